import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { CacheManager } from 'tiercel';
import { deferred } from '../../servers/deferred.js';
import { waysToCluster, waysToRedis, type WayToRedis } from '../support/clients.js';
import { eventually } from '../support/eventually.js';
import { Opened } from '../support/open-cache.js';
import { redisCli, type RedisCli } from '../support/redis-cli.js';
import { placeOf } from '../support/place.js';
import { uniquePrefix } from '../support/redis.js';

const MINUTE = 60_000;

const about = (minutes: number, pttl: number): void => {
  expect(pttl).toBeLessThanOrEqual(minutes * MINUTE);
  expect(pttl).toBeGreaterThan((minutes - 1) * MINUTE);
};

const fail = (): never => {
  throw new RangeError('at once');
};

describe.each([...waysToRedis, ...waysToCluster])('a cache over $name', (way: WayToRedis) => {
  const suite = new Opened();
  const opened = new Opened();
  const root = uniquePrefix();
  let shared: CacheManager;
  let cache: CacheManager;
  let prefix: string;
  let cli: RedisCli;
  let url: string;

  beforeAll(async () => {
    url = await placeOf(way);
    cli = redisCli(url);
    shared = await suite.cache(way, url, { namespace: root, ttl: '1h' });
  });
  afterAll(() => suite.close());
  beforeEach(() => {
    const name = uniquePrefix();
    cache = shared.namespace(name);
    prefix = `${root}:${name}::`;
  });
  afterEach(() => opened.close());

  /** Another cache over the same keys as `cache`, with counters of its own. */
  const another = async (ttl: '1h' | '40m' = '1h'): Promise<CacheManager> => {
    const [outer = '', inner = ''] = prefix.slice(0, -2).split(':');
    return (await opened.cache(way, url, { namespace: outer, ttl, jitter: 0 })).namespace(inner);
  };

  /** Starts a load that ends when told to, and resolves when it runs. */
  async function slowLoad(
    key: string,
  ): Promise<{ finish: (value: string) => void; result: Promise<string> }> {
    const began = deferred<undefined>();
    const loaded = deferred<string>();
    const result = cache.getOrSet(key, () => {
      began.resolve(undefined);
      return loaded.promise;
    });
    await began.promise;
    return { finish: loaded.resolve, result };
  }

  /** Milliseconds left in Redis once the entry is there. */
  const left = (key: string): Promise<number> =>
    eventually('the fill', async () => {
      const pttl = await cli.pttl(key);
      return pttl > 0 && pttl;
    });

  describe('getOrSet', () => {
    it('loads what is not there and finds it the next time', async () => {
      const load = vi.fn(async () => ({ name: 'Ada' }));
      expect(await cache.getOrSet('user:1', load)).toEqual({ name: 'Ada' });
      expect(await cache.getOrSet('user:1', load)).toEqual({ name: 'Ada' });
      expect(load).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ key: 'user:1' }));
    });

    it('finds what another cache stored', async () => {
      await (await another()).getOrSet('k', () => 'theirs');
      await eventually('the fill', () => cache.has('k'));
      expect(await cache.getOrSet('k', () => 'ours')).toBe('theirs');
    });

    it('takes null, 0, false and the empty string for values', async () => {
      for (const [key, value] of Object.entries({ null: null, zero: 0, no: false, empty: '' })) {
        const load = vi.fn(() => value);
        expect(await cache.getOrSet<unknown>(key, load)).toBe(value);
        expect(await cache.getOrSet<unknown>(key, load)).toBe(value);
        expect(load).toHaveBeenCalledOnce();
      }
    });

    it('passes on undefined, stores nothing and asks again', async () => {
      const load = vi.fn(() => undefined);
      expect(await cache.getOrSet('none', load)).toBeUndefined();
      expect(await cache.getOrSet('none', load)).toBeUndefined();
      expect(load).toHaveBeenCalledTimes(2);
      expect(await cache.has('none')).toBe(false);
    });

    it('does not make the caller wait until Redis has the value, and has stored it by the time it is closed', async () => {
      const own = await another();
      await own.getOrSet('k', () => 1);
      await own.close();
      expect(await cache.get('k')).toBe(1);
    });

    it('gives the value although it cannot be stored', async () => {
      const value = { call: () => 1 };
      const loaded = await cache.getOrSet('k', () => value);
      expect(loaded).toBe(value);
      expect(await cache.has('k')).toBe(false);
    });

    it('runs one load for a thousand callers', async () => {
      const loaded = deferred<number>();
      const load = vi.fn(() => loaded.promise);
      const callers = Array.from({ length: 1000 }, () => cache.getOrSet('hot', load));
      await eventually('the load', () => load.mock.calls.length > 0);
      loaded.resolve(7);
      expect(new Set(await Promise.all(callers))).toEqual(new Set([7]));
      expect(load).toHaveBeenCalledOnce();
    });

    it('counts the load and the callers that shared it', async () => {
      const own = await opened.cache(way, url, { namespace: uniquePrefix() });
      await Promise.all(Array.from({ length: 10 }, () => own.getOrSet('k', async () => 1)));
      expect(own.stats().counters).toMatchObject({ loads: 1, coalesced: 9, misses: 1 });
    });

    it('shares the error of a load, unchanged, and loads again for whoever asks afterwards', async () => {
      const error = new TypeError('the database says no');
      const load = vi.fn(async () => Promise.reject(error));
      const outcomes = await Promise.all(
        Array.from({ length: 100 }, () => cache.getOrSet('k', load).catch((thrown: unknown) => thrown)),
      );
      expect(new Set(outcomes)).toEqual(new Set([error]));
      expect(outcomes[0]).toBe(error);
      expect(load).toHaveBeenCalledOnce();
      expect(await cache.getOrSet('k', () => 'well again')).toBe('well again');
    });

    it('treats a loader that throws at once like one that rejects', async () => {
      await expect(cache.getOrSet('k', fail)).rejects.toThrow(RangeError);
      expect(await cache.getOrSet('k', () => 1)).toBe(1);
    });

    it('runs loads of different keys side by side', async () => {
      const both = [deferred<number>(), deferred<number>()] as const;
      const began = [vi.fn(), vi.fn()] as const;
      const callers = ['a', 'b'].map((key, i) =>
        cache.getOrSet(key, () => {
          began[i]?.();
          return both[i]?.promise;
        }),
      );
      await eventually('both loads', () => began.every((begin) => begin.mock.calls.length === 1));
      both[1].resolve(2);
      both[0].resolve(1);
      expect(await Promise.all(callers)).toEqual([1, 2]);
    });
  });

  describe('a load that is overtaken', () => {
    it('by a delete is not stored', async () => {
      const old = await slowLoad('k');
      await cache.delete('k');
      old.finish('old');
      expect(await old.result).toBe('old');
      expect(await cache.get('k')).toBeUndefined();
    });

    it('by a delete of many is not stored', async () => {
      const old = await slowLoad('k');
      await cache.deleteMany(['k', 'other']);
      old.finish('old');
      await old.result;
      expect(await cache.get('k')).toBeUndefined();
    });

    it('by a write leaves the written value', async () => {
      const old = await slowLoad('k');
      await cache.set('k', 'new');
      old.finish('old');
      await old.result;
      expect(await cache.get('k')).toBe('new');
    });

    it('by a write of many leaves the written value', async () => {
      const old = await slowLoad('k');
      await cache.setMany([['k', 'new']]);
      old.finish('old');
      await old.result;
      expect(await cache.get('k')).toBe('new');
    });

    it('is not shared with callers that come after the delete', async () => {
      const old = await slowLoad('k');
      await cache.delete('k');
      const fresh = await slowLoad('k');
      old.finish('old');
      fresh.finish('fresh');
      expect(await fresh.result).toBe('fresh');
      expect(await old.result).toBe('old');
      expect(await cache.get('k')).toBe('fresh');
    });

    it('does not take the newer load out of the table when it ends', async () => {
      const old = await slowLoad('k');
      await cache.delete('k');
      const fresh = await slowLoad('k');
      old.finish('old');
      await old.result;
      const load = vi.fn(() => 'third');
      const joined = cache.getOrSet('k', load);
      fresh.finish('fresh');
      expect(await joined).toBe('fresh');
      expect(load).not.toHaveBeenCalled();
    });

    it('is still not stored when the delete comes between the read and the load', async () => {
      let row = 'old';
      const result = cache.getOrSet('k', async () => row);
      row = 'new';
      await cache.delete('k');
      await result;
      expect(await cache.get('k')).not.toBe('old');
    });
  });

  describe('explicit reads and writes', () => {
    it('set, get, has, ttl, expire and delete one key', async () => {
      await cache.set('k', new Map([[1, 'one']]), { ttl: '2m' });
      expect(await cache.get('k')).toEqual(new Map([[1, 'one']]));
      expect(await cache.has('k')).toBe(true);
      expect(await cache.ttl('k')).toBeLessThanOrEqual(2 * MINUTE);
      expect(await cache.expire('k', '10m')).toBe(true);
      expect(await cache.ttl('k')).toBeGreaterThan(9 * MINUTE);
      expect(await cache.delete('k')).toBe(true);
      expect(await cache.delete('k')).toBe(false);
      expect(await cache.get('k')).toBeUndefined();
      expect(await cache.has('k')).toBe(false);
      expect(await cache.ttl('k')).toBeUndefined();
      expect(await cache.expire('k', '10m')).toBe(false);
    });

    it('set, get and delete many keys, in the order asked', async () => {
      await cache.setMany(
        new Map([
          ['a', 1],
          ['b', 2],
        ]),
        { ttl: Infinity },
      );
      expect([...(await cache.getMany(['b', 'none', 'a']))]).toEqual([
        ['b', 2],
        ['a', 1],
      ]);
      expect(await cache.ttl('a')).toBe(Infinity);
      expect(await cache.deleteMany(['a', 'none'])).toBe(1);
    });

    it('let entries expire', async () => {
      await cache.set('k', 1, { ttl: 1 });
      await eventually('expiry', async () => !(await cache.has('k')));
      expect(await cache.getOrSet('k', () => 2)).toBe(2);
    });

    it('reject a value that cannot be stored, and keep what was there', async () => {
      await cache.set('k', 1);
      await expect(cache.set('k', undefined)).rejects.toMatchObject({ code: 'TIERCEL_ENCODE', key: 'k' });
      expect(await cache.get('k')).toBe(1);
    });
  });

  describe('the ttl of an entry', () => {
    it('comes from the call, else the resource, else the namespace, else the cache', async () => {
      const own = await another('40m');
      await own.getOrSet('of-cache', () => 1);
      about(40, await left(`${prefix}of-cache`));

      const namespace = own.namespace('inner', { ttl: '30m' });
      const inner = `${prefix.slice(0, -2)}:inner::`;
      await namespace.getOrSet('of-namespace', () => 1);
      about(30, await left(`${inner}of-namespace`));

      await namespace.resource('plain', { load: () => 1 }).get(1);
      about(30, await left(`${inner}plain:1`));
      await namespace.resource('thing', { load: () => 1, ttl: '20m' }).get(1);
      about(20, await left(`${inner}thing:1`));
      await namespace.resource('thing', { load: () => 1, ttl: '20m' }).set(2, 1);
      about(20, await left(`${inner}thing:2`));
      await namespace.wrap('fn', () => 1, { ttl: '15m', key: () => 'x' })();
      about(15, await left(`${inner}fn(x)`));

      await namespace.getOrSet('of-call', () => 1, { ttl: '10m' });
      about(10, await left(`${inner}of-call`));
      await namespace.set('set', 1, { ttl: '5m' });
      about(5, await left(`${inner}set`));
      await namespace.setMany([['many', 1]], { ttl: '4m' });
      about(4, await left(`${inner}many`));
      await namespace.namespace('deep').set('k', 1);
      about(30, await left(`${inner.slice(0, -2)}:deep::k`));
    });
  });

  describe('namespaces', () => {
    it('keep their keys apart', async () => {
      await cache.namespace('a').set('k', 1);
      expect(await cache.get('k')).toBeUndefined();
      expect(await cache.get('a::k')).toBeUndefined();
      expect(await cache.namespace('b').get('k')).toBeUndefined();
      expect(await cache.namespace('a').get('k')).toBe(1);
    });

    it('share one load a key, whoever asks for the namespace', async () => {
      const load = vi.fn(async () => 1);
      await Promise.all([
        cache.namespace('a').getOrSet('k', load),
        cache.namespace('a').getOrSet('k', load),
        cache.namespace('b').getOrSet('k', async () => 2),
      ]);
      expect(load).toHaveBeenCalledOnce();
    });

    it('get their options once', () => {
      cache.namespace('a', { ttl: '1m' });
      expect(() => cache.namespace('a', { ttl: '2m' })).toThrow(/'a' was made before/);
    });
  });

  describe('wrap', () => {
    it('caches a function by its arguments', async () => {
      const fn = vi.fn(async (a: number, b: { c: string }) => `${a}${b.c}`);
      const cached = cache.wrap('join', fn);
      expect(await cached(1, { c: 'x' })).toBe('1x');
      expect(await cached(1, { c: 'x' })).toBe('1x');
      expect(await cached(1, { c: 'y' })).toBe('1y');
      expect(fn).toHaveBeenCalledTimes(2);
    });

    it('never takes different arguments for the same', async () => {
      const cached = cache.wrap('kind', (value: unknown) => typeof value);
      expect(await cached(1)).toBe('number');
      expect(await cached('1')).toBe('string');
      expect(await cached(1n)).toBe('bigint');
    });

    it('takes the key from the application where it has one', async () => {
      const cached = cache.wrap('user', async (user: { id: number; seen: Date }) => user.id, {
        key: (user) => String(user.id),
      });
      await cached({ id: 4, seen: new Date() });
      await eventually('the fill', () => cache.has('user(4)'));
    });
  });

  describe('a resource', () => {
    it('loads one thing, keeps it under its name, and lets it be set and deleted', async () => {
      const load = vi.fn(async (id: number) => ({ id }));
      const users = cache.resource('user', { load });
      expect(await users.get(1)).toEqual({ id: 1 });
      expect(await users.get(1)).toEqual({ id: 1 });
      expect(load).toHaveBeenCalledExactlyOnceWith(1, expect.objectContaining({ key: 'user:1' }));
      expect(users.key(1)).toBe('user:1');
      expect(await cache.get('user:1')).toEqual({ id: 1 });
      await users.set(1, { id: 100 });
      expect(await users.get(1)).toEqual({ id: 100 });
      expect(await users.delete(1)).toBe(true);
      await users.set(2, { id: 2 });
      expect(await users.deleteMany([1, 2, 3])).toBe(1);
    });

    it('makes one call of all that is missing in a turn', async () => {
      const loadMany = vi.fn(async (ids: readonly number[]) => ids.map((id) => id * 10));
      const tens = cache.resource('ten', { loadMany });
      await tens.set(3, 30);
      const found = await tens.getMany([1, 2, 3, 4, 2]);
      expect([...found]).toEqual([
        [1, 10],
        [2, 20],
        [3, 30],
        [4, 40],
      ]);
      const asked = loadMany.mock.calls.map(([ids]) => ids);
      expect(asked.flat().toSorted((a, b) => a - b)).toEqual([1, 2, 4]);
      expect(asked).toHaveLength(1);
    });

    it('makes one call of single gets too', async () => {
      const loadMany = vi.fn(async (ids: readonly string[]) => new Map(ids.map((id) => [id, id.length])));
      const lengths = cache.resource('length', { loadMany });
      expect(await Promise.all(['a', 'bb', 'ccc'].map((id) => lengths.get(id)))).toEqual([1, 2, 3]);
      expect(loadMany.mock.calls.map(([ids]) => ids.toSorted())).toEqual([['a', 'bb', 'ccc']]);
    });

    it('makes no call larger than maxBatch', async () => {
      const loadMany = vi.fn(async (ids: readonly number[]) => ids.map(String));
      const names = cache.resource('name', { loadMany, maxBatch: 10 });
      expect((await names.getMany(Array.from({ length: 25 }, (_, i) => i))).size).toBe(25);
      const sizes = loadMany.mock.calls.map(([ids]) => ids.length);
      expect(Math.max(...sizes)).toBeLessThanOrEqual(10);
      expect(sizes.reduce((sum, size) => sum + size)).toBe(25);
    });

    it('leaves out what does not exist, and does not store it', async () => {
      const things = cache.resource('thing', {
        loadMany: async (ids: readonly number[]): Promise<Map<number, string | null>> =>
          new Map(ids.filter((id) => id !== 2).map((id) => [id, id === 3 ? null : 'x'])),
      });
      expect([...(await things.getMany([1, 2, 3]))]).toEqual([
        [1, 'x'],
        [3, null],
      ]);
      expect(await cache.has('thing:2')).toBe(false);
    });

    it('rejects only the ids that failed, each with its own error', async () => {
      const broken = new Error('row 2 is broken');
      const rows = cache.resource('row', {
        loadMany: async (ids: readonly number[]) => ids.map((id) => (id === 2 ? broken : `row ${id}`)),
      });
      const [one, two, three] = await Promise.allSettled([rows.get(1), rows.get(2), rows.get(3)]);
      expect(one).toEqual({ status: 'fulfilled', value: 'row 1' });
      expect(two).toEqual({ status: 'rejected', reason: broken });
      expect(three).toEqual({ status: 'fulfilled', value: 'row 3' });
      await expect(rows.getMany([1, 2])).rejects.toMatchObject({
        code: 'TIERCEL_BULK',
        cause: broken,
        failures: new Map([['row:2', broken]]),
        results: new Map([['row:1', 'row 1']]),
      });
    });

    it('rejects all ids when the call fails', async () => {
      const error = new Error('down');
      const rows = cache.resource('row', {
        loadMany: async (_ids: readonly number[]): Promise<string[]> => Promise.reject(error),
      });
      const outcomes = await Promise.allSettled([rows.get(1), rows.get(2)]);
      expect(outcomes).toEqual([
        { status: 'rejected', reason: error },
        { status: 'rejected', reason: error },
      ]);
    });

    it('refuses results that cannot be told apart', async () => {
      const rows = cache.resource('row', { loadMany: async (ids: readonly number[]) => ids.slice(1) });
      await expect(rows.get(1)).rejects.toMatchObject({
        code: 'TIERCEL_INVALID_OPTION',
        message: expect.stringMatching(/loadMany: expected .* an array of 1 results .* an array of 0/),
      });
    });
  });

  it('is well, and says so', async () => {
    expect(await cache.healthCheck()).toMatchObject({
      healthy: true,
      redis: { healthy: true, state: 'ready' },
    });
  });

  it('refuses every call once it, or one of its namespaces, is closed', async () => {
    const own = await opened.cache(way, url, { namespace: uniquePrefix() });
    const inner = own.namespace('inner');
    await inner.close();
    const closed = { code: 'TIERCEL_CLOSED' };
    const load = vi.fn();
    await expect(own.getOrSet('k', load)).rejects.toMatchObject({ ...closed, operation: 'getOrSet' });
    expect(load).not.toHaveBeenCalled();
    for (const call of [
      () => own.get('k'),
      () => own.getMany(['k']),
      () => own.set('k', 1),
      () => own.setMany([['k', 1]]),
      () => own.delete('k'),
      () => inner.deleteMany(['k']),
      () => own.has('k'),
      () => own.ttl('k'),
      () => own.expire('k', 1),
      () => own.ready(),
    ]) {
      await expect(call()).rejects.toMatchObject(closed);
    }
    expect(await own.healthCheck()).toMatchObject({ healthy: false });
    await own.close();
  });

  it('lets a load that outlives it end, and stores nothing', async () => {
    const own = await another();
    const began = deferred<undefined>();
    const loaded = deferred<number>();
    const result = own.getOrSet('k', () => {
      began.resolve(undefined);
      return loaded.promise;
    });
    await began.promise;
    await own.close();
    loaded.resolve(1);
    expect(await result).toBe(1);
    expect(await cache.has('k')).toBe(false);
  });
});
