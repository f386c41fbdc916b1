import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { CacheClient, createCache, type CacheManager, type CacheOptions } from 'tiercel';
import { eventually } from '../support/eventually.js';
import { Opened, PATIENT } from '../support/open-cache.js';
import { redisCli } from '../support/redis-cli.js';
import { startRedis, uniquePrefix, type RedisServer } from '../support/redis.js';

const user = (id: number): Record<string, unknown> => ({
  identifier: id,
  firstName: 'Ada',
  familyName: 'Lovelace',
  address: { street: 'St James Square', houseNumber: 12 },
  newsletter: false,
});

describe('the shapes of values in Redis', () => {
  const suite = new Opened();
  const test = new Opened();
  let server: RedisServer;
  let cli: ReturnType<typeof redisCli>;

  beforeAll(async () => {
    server = await startRedis();
    suite.add(() => server.stop());
    cli = redisCli(server.url);
  });
  afterEach(() => test.close());
  afterAll(() => suite.close());

  async function newProcess(namespace: string, options: CacheOptions = {}): Promise<CacheManager> {
    const cache = createCache({ redis: { url: server.url, ...PATIENT }, namespace, ttl: '1h', ...options });
    test.add(() => cache.close());
    await cache.ready();
    return cache;
  }
  const blobs = async (namespace: string): Promise<string[]> =>
    ((await cli.raw('KEYS', `${namespace}:%blob::*`)) as unknown[]).map(String);
  const length = async (key: string): Promise<number> => (await cli.bytes(key)).length;

  it('are there once, beside the namespace, and live longer than the entries', async () => {
    const namespace = uniquePrefix();
    const cache = await newProcess(namespace);
    const part = cache.namespace('part');
    await cache.setMany(Array.from({ length: 100 }, (_, id) => [`user:${id}`, user(id)]));
    await part.set('user:1', user(1));
    await part.set('user:2', user(2), { ttl: '30d' });
    const [blob = '', ...others] = await blobs(namespace);
    expect(others).toEqual([]);
    const json = JSON.stringify(user(50)).length;
    expect(await length(`${namespace}::user:50`)).toBeLessThan(0.75 * json);
    expect(await length(`${namespace}:part::user:2`)).toBeLessThan(0.75 * json);
    await eventually('a longer life', async () => Number(await cli.raw('PTTL', blob)) > 4_000_000_000);
  });

  it('are found by a process that begins later, by every way to read', async () => {
    const namespace = uniquePrefix();
    const writer = await newProcess(namespace);
    for (const id of [1, 2, 3, 4, 5, 6]) await writer.set(`user:${id}`, user(id));
    const load = vi.fn(() => 'loaded');
    expect(await (await newProcess(namespace)).getOrSet<unknown>('user:2', load)).toEqual(user(2));
    expect(await (await newProcess(namespace)).get('user:3')).toEqual(user(3));
    expect((await (await newProcess(namespace)).getEntry('user:4'))?.value).toEqual(user(4));
    const client = await CacheClient.connect({ url: server.url, ...PATIENT }, { namespace });
    test.add(() => client.close());
    expect(await client.getMany(['user:5', 'user:6'])).toEqual(
      new Map([
        ['user:5', user(5)],
        ['user:6', user(6)],
      ]),
    );
    expect(load).not.toHaveBeenCalled();
    expect(client.stats().counters.errors).toBe(0);
  });

  it('are the same for whoever opens a namespace by itself, in the bare key space too', async () => {
    const name = uniquePrefix();
    const bare = await newProcess('');
    const within = bare.namespace(name);
    await within.set('a', user(1));
    await within.set('b', user(2));
    expect(await length(`${name}::b`)).toBeLessThan(await length(`${name}::a`));
    expect(await (await newProcess(name)).get('b')).toEqual(user(2));
  });

  it('are put back when they were removed, and until then are a miss for those who do not know them', async () => {
    const namespace = uniquePrefix();
    const writer = await newProcess(namespace);
    await writer.set('a', user(1));
    await writer.set('b', user(2));
    const [blob = ''] = await blobs(namespace);
    await cli.raw('DEL', blob);
    const other = await newProcess(namespace);
    expect(await other.get('b')).toBeUndefined();
    expect(await other.getOrSet('b', () => user(20))).toEqual(user(20));
    expect(await writer.get('b')).toEqual(user(2));
    await eventually('the news of it', async () => {
      await writer.set('c', user(3));
      return (await cli.raw('EXISTS', blob)) === 1;
    });
    expect(await (await newProcess(namespace)).get('c')).toEqual(user(3));
  });

  it('are put back when the whole server was emptied', async () => {
    const namespace = uniquePrefix();
    const writer = await newProcess(namespace);
    for (const key of ['a', 'b']) await writer.set(key, user(1));
    await cli.raw('FLUSHALL');
    await eventually('the news of it', async () => {
      await writer.set('c', user(3));
      return (await blobs(namespace)).length === 1;
    });
    expect(await (await newProcess(namespace)).get('c')).toEqual(user(3));
  });

  it('stand in the values for a user who may not write them', async () => {
    const namespace = uniquePrefix();
    await cli.raw('ACL', 'SETUSER', 'ada', 'on', '>secret', `~${namespace}::*`, '&*', '+@all');
    const redis = { url: server.url, username: 'ada', password: 'secret', ...PATIENT };
    const writer = await newProcess(namespace, { redis });
    await writer.set('a', user(1));
    await writer.set('b', user(2));
    await eventually('entries that hold their own', async () => {
      await writer.set('c', user(3));
      return (await (await newProcess(namespace)).get('c')) !== undefined;
    });
    expect(await (await newProcess(namespace)).get('c')).toEqual(user(3));
    expect(await blobs(namespace)).toEqual([]);
  });

  it('are not told to each other without end by processes that write with them', async () => {
    const namespace = uniquePrefix();
    const caches = await Promise.all(Array.from({ length: 5 }, () => newProcess(namespace)));
    for (let round = 0; round < 3; round++) {
      for (const cache of caches) await cache.set('a', user(1));
    }
    await cli.raw('CONFIG', 'RESETSTAT');
    for (let round = 0; round < 20; round++) {
      for (const cache of caches) await cache.set('a', user(1));
    }
    const stats = String(await cli.raw('INFO', 'commandstats'));
    expect(/cmdstat_pttl:calls=(\d+)/.exec(stats)?.[1] ?? '0').toBe('0');
  });
});
