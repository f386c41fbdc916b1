import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CacheClient, type BulkError, type CacheClientOptions, type CacheError } from 'tiercel';
import { clientParts } from '../../src/client/client-options.js';
import { waysToCluster, waysToRedis, type WayToRedis } from '../support/clients.js';
import { eventually } from '../support/eventually.js';
import { afterEachGet } from '../support/intercepted-port.js';
import { Opened, PATIENT } from '../support/open-cache.js';
import { redisCli, type RedisCli } from '../support/redis-cli.js';
import { placeOf } from '../support/place.js';
import { uniquePrefix } from '../support/redis.js';

const HOUR = 3_600_000;

/** The client of a namespace within a namespace and so on. */
const within = (client: CacheClient, path: readonly string[]): CacheClient =>
  path.reduce((parent, name) => parent.namespace(name), client);

describe.each([...waysToRedis, ...waysToCluster])('a client over $name', (way: WayToRedis) => {
  const suite = new Opened();
  const opened = new Opened();
  const root = uniquePrefix();
  let shared: CacheClient;
  let client: CacheClient;
  let prefix: string;
  let cli: RedisCli;
  let url: string;

  beforeAll(async () => {
    url = await placeOf(way);
    cli = redisCli(url);
    shared = await suite.client(way, url, { namespace: root, ttl: '1h' });
  });
  afterAll(() => suite.close());
  beforeEach(() => {
    const name = uniquePrefix();
    client = shared.namespace(name);
    prefix = `${root}:${name}::`;
  });
  afterEach(() => opened.close());

  const open = (options: CacheClientOptions = {}): Promise<CacheClient> =>
    opened.client(way, url, { namespace: uniquePrefix(), ...options });

  /** Two clients of the same keys; with the second, something happens between the read and the write of `expire`. */
  async function racing(
    happen: (key: string) => Promise<unknown>,
  ): Promise<{ plain: CacheClient; raced: CacheClient }> {
    const { redis, end } = await way.open(url, PATIENT);
    const parts = clientParts(redis, { namespace: uniquePrefix() });
    opened.add(async () => {
      await parts.port.close();
      end();
    });
    await parts.port.connect();
    const port = afterEachGet(parts.port, happen);
    return { plain: new CacheClient(parts), raced: new CacheClient({ ...parts, port }) };
  }

  describe('one key', () => {
    it('gives back what was set, and undefined where nothing was', async () => {
      await client.set('user:1', { name: 'Ada' });
      expect(await client.get('user:1')).toEqual({ name: 'Ada' });
      expect(await client.get('user:2')).toBeUndefined();
    });

    it('keeps the last of two writes', async () => {
      await Promise.all([client.set('k', 1), client.set('k', 2)]);
      expect(await client.get('k')).toBe(2);
    });

    it('throws a CacheMissError that names the key when there must be a value', async () => {
      await client.set('k', null);
      expect(await client.getOrThrow('k')).toBeNull();
      await expect(client.getOrThrow('none')).rejects.toMatchObject({
        name: 'CacheMissError',
        code: 'TIERCEL_MISS',
        operation: 'getOrThrow',
        key: 'none',
      });
    });

    it('deletes, and says whether there was something', async () => {
      await client.set('k', 1);
      expect(await client.exists('k')).toBe(true);
      expect(await client.delete('k')).toBe(true);
      expect(await client.delete('k')).toBe(false);
      expect(await client.exists('k')).toBe(false);
      expect(await client.get('k')).toBeUndefined();
    });
  });

  describe('many keys', () => {
    it('reads them in the order asked, without those that are not there', async () => {
      await client.setMany([
        ['a', 1],
        ['b', null],
        ['c', 'three'],
      ]);
      const found = await client.getMany(['c', 'none', 'a', 'b', 'a']);
      expect([...found]).toEqual([
        ['c', 'three'],
        ['a', 1],
        ['b', null],
      ]);
    });

    it('writes what a Map holds, with one ttl', async () => {
      await client.setMany(new Map([['a', 1]]), { ttl: '10m' });
      expect(await client.ttl('a')).toBeLessThanOrEqual(600_000);
      expect(await client.ttl('a')).toBeGreaterThan(500_000);
    });

    it('keeps the last value of a key that comes twice', async () => {
      await client.setMany([
        ['a', 1],
        ['a', 2],
      ]);
      expect(await client.get('a')).toBe(2);
    });

    it('counts what it deleted', async () => {
      await client.setMany([
        ['a', 1],
        ['b', 2],
      ]);
      expect(await client.deleteMany(['a', 'b', 'c', 'a'])).toBe(2);
      expect(await client.getMany(['a', 'b'])).toEqual(new Map());
    });

    it('does nothing for no keys', async () => {
      expect(await client.getMany([])).toEqual(new Map());
      await client.setMany([]);
      expect(await client.deleteMany([])).toBe(0);
    });

    it('carries more keys than go into one pipeline', async () => {
      const entries = Array.from({ length: 2500 }, (_, i) => [`k${i}`, i] as const);
      await client.setMany(entries);
      const found = await client.getMany(entries.map(([key]) => key));
      expect(found).toEqual(new Map(entries));
      expect(await client.deleteMany(found.keys())).toBe(2500);
    });

    it('writes all values but those that cannot be encoded, and says which by key', async () => {
      const outcome: unknown = await client
        .setMany([
          ['good', 1],
          ['bad', () => 1],
          ['none', undefined],
          ['fine', 2],
        ])
        .catch((error: unknown) => error);
      expect(outcome).toMatchObject({ code: 'TIERCEL_BULK', operation: 'setMany' });
      const { failures } = outcome as { failures: Map<string, CacheError> };
      expect([...failures.keys()].toSorted()).toEqual(['bad', 'none']);
      expect(failures.get('bad')).toMatchObject({ code: 'TIERCEL_ENCODE', operation: 'setMany', key: 'bad' });
      expect(failures.get('none')).toMatchObject({ code: 'TIERCEL_ENCODE', key: 'none' });
      expect(await client.getMany(['good', 'bad', 'none', 'fine'])).toEqual(
        new Map([
          ['good', 1],
          ['fine', 2],
        ]),
      );
    });
  });

  describe('time to live', () => {
    it('is the client’s where a write says nothing, and counts down in Redis', async () => {
      await client.set('k', 1);
      expect(await cli.pttl(`${prefix}k`)).toBeGreaterThan(HOUR - 60_000);
      expect(await client.ttl('k')).toBeLessThanOrEqual(HOUR);
    });

    it('is the namespace’s, and then the write’s, where they say something', async () => {
      const short = client.namespace('short', { ttl: '30m' });
      await short.set('k', 1);
      await short.set('own', 1, { ttl: 60_000 });
      expect(await short.ttl('k')).toBeGreaterThan(HOUR / 2 - 60_000);
      expect(await short.ttl('k')).toBeLessThanOrEqual(HOUR / 2);
      expect(await short.ttl('own')).toBeLessThanOrEqual(60_000);
    });

    it('can be for ever', async () => {
      await client.set('k', 1, { ttl: Infinity });
      expect(await client.ttl('k')).toBe(Infinity);
      expect(await cli.pttl(`${prefix}k`)).toBe(-1);
      expect(await client.get('k')).toBe(1);
    });

    it('is undefined where there is no entry', async () => {
      expect(await client.ttl('none')).toBeUndefined();
    });

    it('ends the entry', async () => {
      await client.set('k', 1, { ttl: 1 });
      await eventually('expiry', async () => (await client.get('k')) === undefined);
      expect(await client.exists('k')).toBe(false);
      expect(await client.ttl('k')).toBeUndefined();
    });

    it('is not left over from the entry that was there before', async () => {
      await client.set('k', 1, { ttl: 60_000 });
      await client.set('k', 2, { ttl: Infinity });
      expect(await client.ttl('k')).toBe(Infinity);
    });
  });

  describe('expire', () => {
    it('lengthens and shortens what is left, and keeps the value', async () => {
      await client.set('k', { n: 1n }, { ttl: 60_000 });
      expect(await client.expire('k', '2h')).toBe(true);
      expect(await client.ttl('k')).toBeGreaterThan(HOUR);
      expect(await client.expire('k', '5m')).toBe(true);
      expect(await client.ttl('k')).toBeLessThanOrEqual(300_000);
      expect(await client.expire('k', Infinity)).toBe(true);
      expect(await client.ttl('k')).toBe(Infinity);
      expect(await client.get('k')).toEqual({ n: 1n });
    });

    it('can end an entry almost at once', async () => {
      await client.set('k', 1);
      expect(await client.expire('k', 1)).toBe(true);
      await eventually('expiry', async () => !(await client.exists('k')));
    });

    it('is false where there is no entry, and makes none', async () => {
      expect(await client.expire('none', '1h')).toBe(false);
      expect(await client.exists('none')).toBe(false);
    });

    it('loses against a delete that comes while it is under way', async () => {
      const { plain, raced } = await racing((key) => cli.raw('DEL', key));
      await plain.set('k', 1);
      expect(await raced.expire('k', '2h')).toBe(false);
      expect(await plain.exists('k')).toBe(false);
    });

    it('keeps the value of a write that comes while it is under way', async () => {
      let wrote = false;
      const { plain, raced } = await racing(async () => {
        if (!wrote) await plain.set('k', 'newer', { ttl: 60_000 });
        wrote = true;
      });
      await plain.set('k', 'older', { ttl: 60_000 });
      expect(await raced.expire('k', '2h')).toBe(true);
      expect(await plain.ttl('k')).toBeGreaterThan(HOUR);
      expect(await plain.get('k')).toBe('newer');
    });

    it('gives up, and says so, when others never stop changing the entry', async () => {
      const { plain, raced } = await racing(() => plain.set('k', 'theirs'));
      await plain.set('k', 'first');
      await expect(raced.expire('k', '2h')).rejects.toMatchObject({
        code: 'TIERCEL_SERVER',
        operation: 'expire',
        key: 'k',
      });
      expect(await plain.get('k')).toBe('theirs');
    });
  });

  describe('namespaces', () => {
    it.each([
      [['a'], 'b::c', ['a', 'b'], 'c'],
      [['a'], 'b:c', ['a', 'b'], 'c'],
      [['a:b'], 'k', ['a', 'b'], 'k'],
      [['a:b'], 'k', ['a%3Ab'], 'k'],
      [['a%3Ab'], 'k', ['a', 'b'], 'k'],
      [['a', 'b'], 'k', ['a'], 'b::k'],
      [['a::b'], 'k', ['a', 'b'], 'k'],
      [['a:'], 'k', ['a'], ':k'],
      [['a'], '::k', ['a:'], 'k'],
    ])('keep %j with the key %j apart from %j with the key %j', async (names, key, otherNames, otherKey) => {
      const [one, other] = [within(client, names), within(client, otherNames)];
      await one.set(key, 'one');
      expect(await other.get(otherKey)).toBeUndefined();
      await other.set(otherKey, 'other');
      expect(await one.get(key)).toBe('one');
      expect(await other.delete(otherKey)).toBe(true);
      expect(await one.exists(key)).toBe(true);
    });

    it('may be none at all, for keys that stand in Redis as they are', async () => {
      const bare = await open({ namespace: '' });
      await bare.set(`${prefix}bare`, 1);
      expect(await client.get('bare')).toBe(1);
      expect(await cli.pttl(`${prefix}bare`)).toBeGreaterThan(0);
    });
  });

  describe('what is counted', () => {
    it('tells hits, misses and errors apart', async () => {
      const own = await open();
      await own.set('hit', 1);
      await own.get('hit');
      await own.getMany(['hit', 'miss', 'other']);
      await own.delete('hit');
      await own.set('bad', Symbol('bad')).catch(() => undefined);
      const { counters, ratios } = own.stats();
      expect(counters).toMatchObject({ hits: 2, misses: 2, errors: 1, sets: 1, deletes: 1, loads: 0 });
      expect(ratios).toEqual({ hit: 0.5, miss: 0.5, error: 0 });
    });

    it('counts a read that failed as an error and never as a miss', async () => {
      const own = await open();
      await own.set('k', 1);
      await own.get('k');
      await own.close();
      await expect(own.get('k')).rejects.toMatchObject({ code: 'TIERCEL_CLOSED' });
      const { counters, ratios } = own.stats();
      expect(counters).toMatchObject({ hits: 1, misses: 0, errors: 1 });
      expect(ratios).toEqual({ hit: 0.5, miss: 0, error: 0.5 });
    });

    it('times what it asks of Redis by operation and by how it ended', async () => {
      const own = await open();
      await own.set('k', 1);
      await own.getMany(['k', 'none']);
      await own.get('k');
      await own.get('none');
      const { latency } = own.stats();
      const timed = latency.map(({ operation, outcome, count }) => `${operation} ${outcome} ${count}`);
      expect(timed.toSorted()).toEqual(['get hit 1', 'get miss 1', 'getMany ok 1', 'set ok 1']);
      expect(latency.every(({ max }) => max > 0)).toBe(true);
    });

    it('is common to a client and its namespaces', async () => {
      const own = await open();
      await own.namespace('inner').get('none');
      expect(own.stats().counters.misses).toBe(1);
    });
  });

  it('says that Redis is well, where it is and how long it took', async () => {
    const health = await client.healthCheck();
    expect(health).toMatchObject({ healthy: true, state: 'ready', error: undefined });
    expect(health.latency).toBeGreaterThan(0);
    expect(health.address).not.toBe('');
  });

  it('refuses every operation once it is closed, and says so in its health', async () => {
    const own = await open();
    await own.close();
    const closed = { code: 'TIERCEL_CLOSED' };
    await expect(own.get('k')).rejects.toMatchObject({ ...closed, operation: 'get', key: 'k' });
    await expect(own.set('k', 1)).rejects.toMatchObject({ ...closed, operation: 'set', key: 'k' });
    await expect(own.delete('k')).rejects.toMatchObject({ ...closed, operation: 'delete', key: 'k' });
    await expect(own.exists('k')).rejects.toMatchObject(closed);
    await expect(own.ttl('k')).rejects.toMatchObject(closed);
    await expect(own.expire('k', 1)).rejects.toMatchObject(closed);
    const bulks = [
      () => own.getMany(['a', 'b']),
      () => own.setMany([['a', 1]]),
      () => own.deleteMany(['a', 'b']),
    ];
    for (const bulk of bulks) {
      const error: unknown = await bulk().catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: 'TIERCEL_BULK' });
      for (const [key, failure] of (error as BulkError).failures) {
        expect(failure).toMatchObject({ ...closed, key });
      }
    }
    expect(await own.healthCheck()).toMatchObject({ healthy: false, state: 'closed', error: closed });
    await own.close();
  });
});
