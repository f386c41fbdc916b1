import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  CacheClient,
  createCache,
  type CacheManager,
  type CacheOptions,
  type Duration,
  type RedisOptions,
} from 'tiercel';
import { Opened, PATIENT } from '../support/open-cache.js';
import { sharedRedisUrl, uniquePrefix } from '../support/redis.js';

/** What a caller from JavaScript may pass. */
const wrong = <T>(value: unknown, _as?: T): T => value as T;

const option = (message: RegExp) => ({
  code: 'TIERCEL_INVALID_OPTION',
  message: expect.stringMatching(message),
});

function thrownBy(act: () => unknown): unknown {
  try {
    act();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

const create = (options: unknown) => thrownBy(() => createCache(wrong<CacheOptions>(options)));

const log = (): void => undefined;
const one = (): number => 1;

const redis = (options: unknown): unknown => create({ redis: options });

describe('a wrong option', () => {
  const url = 'redis://127.0.0.1:6379';

  it.each<[given: unknown, message: RegExp]>([
    [{ redis: url, tll: '5m' }, /createCache: unknown option 'tll'; did you mean 'ttl'\?/],
    [{ redis: url, nonsense: 1 }, /createCache: unknown option 'nonsense'$/],
    [{ redis: url, ttl: '5 minutes' }, /ttl: expected a duration such as 500 or '15m', got '5 minutes'/],
    [{ redis: url, ttl: '-5m' }, /ttl: expected a duration .*got '-5m'/],
    [{ redis: url, ttl: -5 }, /ttl: expected a duration of at least 1 ms, got -5/],
    [{ redis: url, ttl: 0 }, /ttl: expected a duration of at least 1 ms, got 0/],
    [{ redis: url, ttl: NaN }, /ttl: .*got NaN/],
    [{ redis: url, ttl: null }, /ttl: .*got null/],
    [{ redis: url, ttl: new Date() }, /ttl: .*got an instance of Date/],
    [{ redis: url, namespace: '\uD800' }, /namespace: expected a well-formed string/],
    [{ redis: url, namespace: 'x'.repeat(257) }, /namespace: .*1 to 256 characters/],
    [{ redis: url, codec: {} }, /codec/],
    [null, /createCache: expected an object with options, got null/],
    ['redis://localhost', /createCache: expected an object with options, got 'redis:/],
  ])('%j of createCache is refused at once', (given, message) => {
    expect(create(given)).toMatchObject(option(message));
  });

  it.each<[given: unknown, message: RegExp]>([
    [42, /redis: expected a URL or an object of options, got 42/],
    [null, /redis: expected a URL or an object of options, got null/],
    ['localhost:6379', /redis\.url: expected redis:/],
    ['http://localhost', /redis\.url: expected .*got the scheme 'http:/],
    ['redis://localhost/first', /redis\.url: expected redis:.*\[\/database\]/],
    [{ url: 5 }, /redis\.url: expected .*got 5/],
    [{ hots: 'localhost' }, /redis: unknown option 'hots'; did you mean 'host'\?/],
    [{ host: '' }, /redis\.host: expected a host name, got ''/],
    [{ port: 70_000 }, /redis\.port: expected a whole number from 1 to 65535, got 70000/],
    [{ port: '6379' }, /redis\.port: .*got '6379'/],
    [{ database: -1 }, /redis\.database: expected a whole number of at least 0, got -1/],
    [{ connections: 0 }, /redis\.connections: expected a whole number of at least 1, got 0/],
    [{ maxInFlight: -1 }, /redis\.maxInFlight: expected a whole number of at least 1, got -1/],
    [{ maxRetries: -1 }, /redis\.maxRetries: expected a whole number of at least 0, got -1/],
    [{ maxRetries: 1.5 }, /redis\.maxRetries: .*got 1\.5/],
    [{ commandTimeout: '1 s' }, /redis\.commandTimeout: .*got '1 s'/],
    [{ commandTimeout: Infinity }, /redis\.commandTimeout: .*got Infinity/],
    [{ connectTimeout: 0 }, /redis\.connectTimeout: .*got 0/],
    [{ retryDelay: { min: 500, max: 100 } }, /redis\.retryDelay: min \(500 ms\) is above max \(100 ms\)/],
    [{ retryDelay: { minimum: 500 } }, /redis\.retryDelay: unknown option 'minimum'/],
  ])('%j of redis is refused at once', (given, message) => {
    expect(redis(given)).toMatchObject(option(message));
  });

  it.each<[what: string, given: unknown, message: RegExp]>([
    ['nothing', { client: undefined }, /redis\.client: expected a client .*got undefined/],
    [
      'text',
      { client: 'redis' },
      /redis\.client: expected a client of @redis\/client or ioredis, got 'redis'/,
    ],
    ['something else', { client: new Map() }, /redis\.client: .*got an instance of Map/],
    ['an unknown name', { client: {}, clinet: 1 }, /redis: unknown option 'clinet'; did you mean 'client'\?/],
    ['options of a connection', { client: {}, host: 'localhost' }, /redis: unknown option 'host'/],
    [
      'a URL object',
      new URL('redis://127.0.0.1:1'),
      /redis: expected a URL as text .*got an instance of URL/,
    ],
  ])('%s for the client is refused at once', (_, given, message) => {
    expect(redis(given)).toMatchObject(option(message));
  });

  it('of a client handed over bare says how to hand it over', async () => {
    const { Redis } = await import('ioredis');
    const client = new Redis({ lazyConnect: true });
    try {
      expect(redis(client)).toMatchObject(option(/\{ client \}/));
    } finally {
      client.disconnect();
    }
  });

  it('rejects CacheClient.connect', async () => {
    await expect(CacheClient.connect(wrong<RedisOptions>(1))).rejects.toMatchObject(
      option(/redis: expected/),
    );
    await expect(CacheClient.connect(url, wrong<object>({ namespcae: 'x' }))).rejects.toMatchObject(
      option(/CacheClient: unknown option 'namespcae'; did you mean 'namespace'\?/),
    );
  });

  it.each(['debug', 'info', 'warn', 'error'])('is a logger without %s', (method) => {
    const logger = { debug: log, info: log, warn: log, error: log, [method]: undefined };
    expect(create({ redis: url, logger })).toMatchObject(
      option(new RegExp(`logger\\.${method}: expected a function`)),
    );
  });
});

/** What is said of the option `tttl`. */
const saidBy = (where: string): RegExp =>
  new RegExp(`${where}: unknown option 'tttl'; did you mean 'ttl'\\?`);

describe('a wrong argument', () => {
  const suite = new Opened();
  let cache: CacheManager;
  let client: CacheClient;

  beforeAll(async () => {
    const namespace = uniquePrefix();
    cache = createCache({ redis: { url: sharedRedisUrl(), ...PATIENT }, namespace });
    suite.add(() => cache.close());
    client = await CacheClient.connect({ url: sharedRedisUrl(), ...PATIENT }, { namespace });
    suite.add(() => client.close());
  });
  afterAll(() => suite.close());

  const badKeys: ReadonlyArray<[what: string, key: unknown, message: RegExp]> = [
    ['an empty key', '', /expected a non-empty string as key, got ''/],
    ['a lone surrogate', 'a\uD800', /the key 'a\\ud800' has a lone surrogate/],
    ['a number', 42, /expected a non-empty string as key, got 42/],
    ['undefined', undefined, /expected a non-empty string as key, got undefined/],
    ['an object', { id: 1 }, /expected a non-empty string as key, got an object with id/],
  ];

  it.each(badKeys)('%s as key is refused by every operation', async (_, given, message) => {
    const key = wrong<string>(given);
    const refused = { code: 'TIERCEL_INVALID_KEY', message: expect.stringMatching(message) };
    const load = vi.fn(() => 1);
    const calls: ReadonlyArray<[operation: string, call: () => Promise<unknown>]> = [
      ['getOrSet', () => cache.getOrSet(key, load)],
      ['get', () => cache.get(key)],
      ['getMany', () => cache.getMany(['good', key])],
      ['set', () => cache.set(key, 1)],
      [
        'setMany',
        () =>
          cache.setMany([
            ['good', 1],
            [key, 1],
          ]),
      ],
      ['delete', () => cache.delete(key)],
      ['deleteMany', () => cache.deleteMany(['good', key])],
      ['has', () => cache.has(key)],
      ['ttl', () => cache.ttl(key)],
      ['expire', () => cache.expire(key, 1000)],
      ['get', () => client.get(key)],
      ['get', () => client.getOrThrow(key)],
      ['getMany', () => client.getMany(['good', key])],
      ['set', () => client.set(key, 1)],
      ['delete', () => client.delete(key)],
      ['deleteMany', () => client.deleteMany(['good', key])],
      ['exists', () => client.exists(key)],
      ['ttl', () => client.ttl(key)],
      ['expire', () => client.expire(key, 1000)],
    ];
    for (const [operation, call] of calls) {
      await expect(call(), operation).rejects.toMatchObject({ ...refused, operation });
    }
    expect(load).not.toHaveBeenCalled();
    expect(await cache.has('good')).toBe(false);
  });

  it('is a duration that is none', async () => {
    const ttl = wrong<Duration>('soon');
    const refused = option(/ttl: expected a duration such as 500 or '15m', got 'soon'/);
    const load = vi.fn(() => 1);
    await expect(cache.getOrSet('k', load, { ttl })).rejects.toMatchObject(refused);
    expect(load).not.toHaveBeenCalled();
    await expect(cache.set('k', 1, { ttl })).rejects.toMatchObject(refused);
    await expect(cache.setMany([['k', 1]], { ttl })).rejects.toMatchObject(refused);
    await expect(cache.expire('k', ttl)).rejects.toMatchObject(refused);
    await expect(client.set('k', 1, { ttl })).rejects.toMatchObject(refused);
    expect(thrownBy(() => cache.namespace('n', { ttl }))).toMatchObject(refused);
    expect(thrownBy(() => cache.resource('r', { load, ttl }))).toMatchObject(refused);
    expect(thrownBy(() => cache.wrap('w', load, { ttl }))).toMatchObject(refused);
  });

  it('is an option nobody knows', async () => {
    const options = wrong<object>({ tttl: 5 });
    await expect(cache.getOrSet('k', one, options)).rejects.toMatchObject(option(saidBy('getOrSet')));
    await expect(cache.set('k', 1, options)).rejects.toMatchObject(option(saidBy('set')));
    await expect(cache.setMany([], options)).rejects.toMatchObject(option(saidBy('setMany')));
    await expect(client.set('k', 1, options)).rejects.toMatchObject(option(saidBy('set')));
    expect(thrownBy(() => cache.namespace('n', options))).toMatchObject(option(saidBy('namespace')));
    expect(thrownBy(() => client.namespace('n', options))).toMatchObject(option(saidBy('namespace')));
    expect(thrownBy(() => cache.resource('r', { load: one, ...options }))).toMatchObject(
      option(saidBy('resource')),
    );
    expect(thrownBy(() => cache.wrap('w', one, options))).toMatchObject(option(saidBy('wrap')));
  });

  it('is a loader that is no function', async () => {
    await expect(cache.getOrSet('k', wrong<() => number>(5))).rejects.toMatchObject(
      option(/getOrSet: expected a function that loads, got 5/),
    );
  });

  it('is a namespace without a name', () => {
    for (const name of ['', 5, undefined]) {
      expect(thrownBy(() => cache.namespace(wrong<string>(name)))).toMatchObject(
        option(/namespace: expected/),
      );
    }
  });

  it('is a resource that cannot be loaded, or has a name that could collide', () => {
    expect(thrownBy(() => cache.resource('r', {}))).toMatchObject(
      option(/r: a resource needs load or loadMany/),
    );
    expect(thrownBy(() => cache.resource('r', { load: wrong<typeof one>(1) }))).toMatchObject(
      option(/r\.load: expected a function, got 1/),
    );
    expect(thrownBy(() => cache.resource('r', { loadMany: () => [], maxBatch: -1 }))).toMatchObject(
      option(/r\.maxBatch: expected a whole number of at least 1, got -1/),
    );
    for (const name of ['', 'a:b', wrong<string>(null)]) {
      expect(thrownBy(() => cache.resource(name, { load: one }))).toMatchObject(
        option(/resource: expected a name/),
      );
    }
  });

  it('is an id that is none', async () => {
    const things = cache.resource('thing', { load: (id: number) => id });
    for (const id of [NaN, Infinity, undefined, null, {}]) {
      await expect(things.get(wrong<number>(id))).rejects.toMatchObject(option(/thing: expected an id, got/));
    }
  });

  it('is an argument of a wrapped function that makes no key', async () => {
    const cached = cache.wrap('f', (callback: () => void) => typeof callback);
    await expect(cached(() => undefined)).rejects.toMatchObject({
      code: 'TIERCEL_INVALID_KEY',
      message: expect.stringMatching(/arguments\[0\].*a function/),
    });
  });

  describe('is a value that cannot be brought back:', () => {
    const cycle: Record<string, unknown> = { name: 'cycle' };
    cycle['self'] = { again: cycle };

    it.each<[what: string, value: unknown, message: RegExp]>([
      ['undefined', undefined, /undefined means a miss and cannot be stored/],
      ['a function', () => 1, /function/],
      ['a function within', { user: { call: () => 1 } }, /user\.call.*function/],
      ['a symbol', Symbol('s'), /symbol/],
      ['a cycle', cycle, /self\.again/],
      ['a promise', Promise.resolve(1), /Promise/],
    ])('%s', async (_, value, message) => {
      const refused = {
        code: 'TIERCEL_ENCODE',
        operation: 'set',
        key: 'v',
        message: expect.stringMatching(message),
      };
      await expect(client.set('v', value)).rejects.toMatchObject(refused);
      await expect(cache.set('v', value)).rejects.toMatchObject(refused);
      expect(await client.exists('v')).toBe(false);
      // The application gets what it loaded; only the cache does without.
      expect(await cache.getOrSet<unknown>('v', () => value)).toBe(await value);
    });
  });
});
