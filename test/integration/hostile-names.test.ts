import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CacheClient, createCache, type CacheManager, type CacheOptions } from 'tiercel';
import { sizeOfString } from '../../src/memory/size-of.js';
import { eventually } from '../support/eventually.js';
import { Opened, PATIENT } from '../support/open-cache.js';
import { sharedRedisUrl, startRedis, uniquePrefix, type RedisServer } from '../support/redis.js';
import { anyKey, anyName, HOSTILE_NAMES, HUGE_KEYS } from '../support/values.js';

const suite = new Opened();
afterAll(() => suite.close());

async function open(url: string, options: CacheOptions): Promise<CacheManager> {
  const cache = createCache({ redis: { url, ...PATIENT }, ...options });
  suite.add(() => cache.close());
  await cache.ready();
  return cache;
}

describe('a key of 1 MiB', () => {
  /** Two processes, each with a memory of its own. */
  async function twoCaches(): Promise<[CacheManager, CacheManager]> {
    const options = { namespace: uniquePrefix(), ttl: '1m' } as const;
    return [await open(sharedRedisUrl(), options), await open(sharedRedisUrl(), options)];
  }

  it('is as good as any other', async () => {
    const [here, there] = await twoCaches();
    for (const [i, key] of HUGE_KEYS.entries()) {
      expect(Buffer.byteLength(key)).toBe(2 ** 20);
      expect(await here.get(key)).toBeUndefined();
      expect(await here.getOrSet(key, async () => `loaded ${i}`)).toBe(`loaded ${i}`);
      await here.set(key, i);
      expect(await there.get(key)).toBe(i);
      expect(await there.has(key)).toBe(true);
      expect(await there.ttl(key)).toBeGreaterThan(50_000);
      expect(await there.expire(key, '30s')).toBe(true);
    }
    const all = new Map(HUGE_KEYS.map((key, i) => [key, i]));
    expect(await there.getMany(HUGE_KEYS)).toEqual(all);
    const [first = '', ...others] = HUGE_KEYS;
    expect(await here.delete(first)).toBe(true);
    await eventually('its copy is gone', async () => (await there.get(first)) === undefined);
    all.delete(first);
    expect(await here.getMany(HUGE_KEYS)).toEqual(all);
    await there.setMany(HUGE_KEYS.map((key, i): [string, number] => [key, 10 + i]));
    await eventually('the other copies are new', async () => {
      const seen = await here.getMany<number>(HUGE_KEYS);
      return HUGE_KEYS.every((key, i) => seen.get(key) === 10 + i);
    });
    expect(await here.deleteMany(others)).toBe(others.length);
    await eventually('all but one are gone', async () => (await there.getMany(HUGE_KEYS)).size === 1);
  });

  it('is loaded once, by many callers and over processes', async () => {
    const caches = await twoCaches();
    for (const key of HUGE_KEYS) {
      let loads = 0;
      const load = async (): Promise<number> => {
        await new Promise((resolve) => setTimeout(resolve, 50));
        return ++loads;
      };
      const asked = caches.flatMap((cache) => Array.from({ length: 5 }, () => cache.getOrSet(key, load)));
      expect(await Promise.all(asked)).toEqual(asked.map(() => 1));
    }
  });

  it('has tags, which may not be as long themselves', async () => {
    const [here, there] = await twoCaches();
    for (const key of HUGE_KEYS) {
      const row = { value: 'old' };
      const read = (cache: CacheManager): Promise<string> =>
        cache.getOrSet(key, async () => row.value, { tags: ['team'] });
      expect([await read(here), await read(there)]).toEqual(['old', 'old']);
      row.value = 'new';
      await there.invalidateTags(['team']);
      await eventually('it is stale here', async () => (await read(here)) === 'new');
      expect(await read(there)).toBe('new');
      await expect(here.set(key, 1, { tags: [key] })).rejects.toMatchObject({
        code: 'TIERCEL_INVALID_OPTION',
      });
    }
  });

  it('counts in memory with all its bytes, and gives them back', async () => {
    const cache = await open(sharedRedisUrl(), { namespace: uniquePrefix(), ttl: '1m' });
    await cache.set('small', 1);
    const before = cache.stats().memory?.bytes ?? NaN;
    for (const key of HUGE_KEYS) {
      await cache.set(key, 1);
      const took = (cache.stats().memory?.bytes ?? NaN) - before;
      // Beyond Latin-1, a character takes two bytes and an emoji is two of them.
      const least = /[\u0100-\uffff]/.test(key) ? 2 * key.length : key.length;
      expect(took).toBeGreaterThanOrEqual(least);
      expect(took).toBeLessThan(least + 1000);
      await cache.delete(key);
      expect(cache.stats().memory?.bytes).toBe(before);
    }
  });

  it('makes memory hold no more than it may', async () => {
    const maxBytes = 8 * 2 ** 20;
    const cache = await open(sharedRedisUrl(), {
      namespace: uniquePrefix(),
      ttl: '1m',
      memory: { maxBytes },
    });
    const keys = Array.from({ length: 20 }, (_, i) => `${i}`.padEnd(2 ** 20, 'k'));
    for (const key of keys) {
      await cache.set(key, 'v');
      expect(cache.stats().memory?.bytes).toBeLessThanOrEqual(maxBytes);
    }
    const kept = keys.filter((key) => cache.peek(key) !== undefined);
    expect(kept.length).toBeGreaterThan(0);
    expect(kept.length * sizeOfString(keys[0] ?? '')).toBeLessThanOrEqual(maxBytes);
    expect(await cache.getMany(keys)).toEqual(new Map(keys.map((key) => [key, 'v'])));
  });
});

describe('a namespace, whatever its name', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(async () => {
    await suite.close();
    await server.stop();
  });

  /** So short and so alike that joined without care some would be the same. */
  const alike = fc.string({ minLength: 1, maxLength: 2, unit: fc.constantFrom(':', 'a', '%3A') });
  const paths = fc.uniqueArray(fc.array(fc.oneof(alike, anyName), { minLength: 1, maxLength: 3 }), {
    minLength: 2,
    maxLength: 6,
    selector: (path) => JSON.stringify(path),
  });
  const keys = fc.uniqueArray(fc.oneof(alike, anyKey), { minLength: 1, maxLength: 4 });

  it('reads, clears and makes stale nothing of another', async () => {
    // Bare keys at the bottom, so that the outermost name is one of those given.
    const here = await open(server.url, { namespace: '', ttl: '1m', metrics: { hotKeys: false } });
    const there = await CacheClient.connect({ url: server.url, ...PATIENT }, { namespace: '' });
    suite.add(() => there.close());
    const within = (path: readonly string[]): CacheManager =>
      path.reduce((cache, name) => cache.namespace(name), here);
    const redisOf = (path: readonly string[]): CacheClient =>
      path.reduce((client, name) => client.namespace(name), there);
    await fc.assert(
      fc.asyncProperty(paths, keys, async (names, asked) => {
        const all = names.map((path, i) => ({
          cache: within(path),
          redis: redisOf(path),
          values: new Map(asked.map((key, k) => [key, `${i} ${k}`])),
        }));
        const [first] = all;
        for (const { cache, values } of all) {
          // What is stored in the millisecond in which the namespace got its first tag is no later than that.
          await eventually('all is stored', async () => {
            await cache.setMany(values, { tags: ['team'] });
            return (await cache.getMany(asked)).size === asked.length;
          });
        }
        for (const { cache, redis, values } of all) {
          expect(await cache.getMany(asked)).toEqual(values);
          expect(await redis.getMany(asked)).toEqual(values);
        }
        await first?.cache.invalidateTags(['team']);
        for (const { cache, values } of all) {
          expect(await cache.getMany(asked)).toEqual(cache === first?.cache ? new Map() : values);
        }
        await first?.cache.setMany(first.values);
        await first?.cache.clear();
        for (const { cache, redis, values } of all) {
          const left = cache === first?.cache ? new Map() : values;
          expect(await redis.getMany(asked)).toEqual(left);
          expect(await cache.getMany(asked)).toEqual(left);
        }
      }),
      { numRuns: 60 },
    );
  }, 60_000);

  it.each(HOSTILE_NAMES)(
    '%j tells other processes of its changes, and others nothing of them',
    async (name) => {
      await server.cli('FLUSHALL');
      await using opened = new Opened();
      const cacheOf = async (namespace: string): Promise<CacheManager> => {
        const redis = { url: server.url, ...PATIENT };
        const cache = createCache({ redis, namespace, ttl: '1m', coherence: 'pubsub' });
        opened.add(() => cache.close());
        await cache.ready();
        return cache;
      };
      const here = await cacheOf(name);
      const there = await cacheOf(name);
      const beside = await cacheOf(`${name}b`);
      await beside.set('k', 'kept');
      await here.set('k', 'old');
      expect(await there.get('k')).toBe('old');
      await eventually('there is a copy', async () => (await there.get('k')) && there.peek('k') === 'old');
      await here.set('k', 'new');
      await eventually('the copy is gone', () => there.peek('k') === undefined);
      expect(await there.get('k')).toBe('new');
      expect(beside.peek('k')).toBe('kept');
      expect(Object.keys(here.stats().namespaces)).toEqual([name]);
      expect(here.stats().counters.sets).toBe(2);
    },
  );
});
