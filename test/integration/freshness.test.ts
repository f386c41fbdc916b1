import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { createCache, type CacheManager, type CacheOptions, type LoadContext } from 'tiercel';
import { deferred } from '../../servers/deferred.js';
import { eventually } from '../support/eventually.js';
import { startRedis, type RedisServer } from '../support/redis.js';

const stale = { ttl: 30, jitter: 0 } as const;

const fail = async (): Promise<string> => {
  throw new Error('the database is away');
};

describe.each([
  ['memory and Redis', {}],
  ['Redis alone', { memory: false }],
  ['memory alone', { redis: undefined }],
] as ReadonlyArray<readonly [string, CacheOptions]>)('freshness, with %s', (_, layers) => {
  let server: RedisServer;
  let cache: CacheManager;

  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.stop());
  afterEach(() => cache.close());

  async function open(options: CacheOptions = {}): Promise<void> {
    await server.cli('FLUSHALL');
    const redis = 'redis' in layers ? {} : { redis: { url: server.url, commandTimeout: '2s' } as const };
    cache = createCache({ namespace: 'shop', ...redis, memory: {}, ...options, ...layers });
    await cache.ready();
  }

  /** Stores a value and lets its ttl pass. */
  async function storeStale(value: unknown, options: object): Promise<void> {
    const began = performance.now();
    await cache.set('k', value, { ...stale, ...options });
    await eventually('the ttl', () => performance.now() > began + 40);
  }

  it('a stale value answers at once while one refresh runs behind it', async () => {
    await open();
    const options = { ...stale, staleWhileRevalidate: '1m' } as const;
    await storeStale('old', options);
    const go = deferred<undefined>();
    const load = vi.fn(async ({ stale: previous }: LoadContext) => {
      await go.promise;
      return `newer than ${String(previous)}`;
    });
    const answers = await Promise.all(Array.from({ length: 20 }, () => cache.getOrSet('k', load, options)));
    expect(new Set(answers)).toEqual(new Set(['old']));
    expect(await cache.getOrSet('k', load, options)).toBe('old');
    await eventually('the refresh', () => load.mock.calls.length > 0);
    go.resolve(undefined);
    const fresh = { ...options, ttl: '1h' } as const;
    await eventually(
      'the new value',
      async () => (await cache.getOrSet('k', load, fresh)) === 'newer than old',
    );
    expect(cache.stats().counters.staleServes).toBeGreaterThan(0);
  });

  it('a value past its window is loaded anew', async () => {
    await open();
    await storeStale('old', {});
    expect(await cache.getOrSet('k', async () => 'new', stale)).toBe('new');
  });

  it('a stale value stands in for a load that fails, and only within its window', async () => {
    await open();
    await storeStale('old', { staleIfError: '1m' });
    expect(await cache.getOrSet('k', fail, { ...stale, staleIfError: '1m' })).toBe('old');
    await expect(cache.getOrSet('k', fail, { ...stale })).rejects.toThrow('the database is away');
    expect(await cache.getOrSet('k', async () => 'new', { ...stale, staleIfError: '1m' })).toBe('new');
  });

  it('a load that passes its hard timeout has failed, and is told to stop', async () => {
    await open();
    let aborted: AbortSignal | undefined;
    const load = ({ signal }: LoadContext): Promise<string> => {
      aborted = signal;
      return new Promise(() => undefined);
    };
    await expect(cache.getOrSet('k', load, { timeout: { hard: 50 } })).rejects.toMatchObject({
      code: 'TIERCEL_DEADLINE',
      operation: 'load',
      key: 'k',
    });
    expect(aborted?.aborted).toBe(true);
    expect(await cache.getOrSet('k', async () => 'next')).toBe('next');
  });

  it('the loader may set the ttl and the tags, and have nothing stored', async () => {
    await open();
    await cache.getOrSet('warm', async () => 1, { tags: ['t'] });
    await cache.getOrSet('k', async (context) => {
      context.setTtl('1h');
      context.setTags(['t']);
      return 'v';
    });
    await eventually('the entry', async () => (await cache.getEntry('k'))?.tags.includes('t'));
    const entry = await cache.getEntry('k');
    expect(entry?.freshFor).toBeGreaterThan(50 * 60_000);
    await cache.invalidateTags(['t']);
    expect(await cache.get('k')).toBeUndefined();
    await cache.getOrSet('skipped', async (context) => {
      context.skip();
      return 'v';
    });
    expect(await cache.get('skipped')).toBeUndefined();
  });

  it('one caller who leaves does not end the load of the others; the last one does', async () => {
    await open();
    const go = deferred<undefined>();
    const signals: AbortSignal[] = [];
    const load = async ({ signal }: LoadContext): Promise<string> => {
      signals.push(signal);
      await go.promise;
      return 'v';
    };
    const leaving = new AbortController();
    const left = cache.getOrSet('k', load, { signal: leaving.signal });
    const stayed = cache.getOrSet('k', load);
    await eventually('the load', () => signals.length > 0);
    leaving.abort(new Error('gone'));
    await expect(left).rejects.toThrow('gone');
    expect(signals[0]?.aborted).toBe(false);
    go.resolve(undefined);
    expect(await stayed).toBe('v');

    const alone = new AbortController();
    const never = ({ signal }: LoadContext): Promise<string> => {
      signals.push(signal);
      return new Promise(() => undefined);
    };
    const last = cache.getOrSet('other', never, { signal: alone.signal });
    await eventually('the load', () => signals.length > 1);
    alone.abort(new Error('gone too'));
    await expect(last).rejects.toThrow('gone too');
    expect(signals[1]?.aborted).toBe(true);
  });

  it('null has a ttl of its own, and falsy values are values', async () => {
    await open();
    await cache.getOrSet('none', async () => null, { ttl: '1h', negativeTtl: 30, jitter: 0 });
    await eventually('the entry', async () => (await cache.getEntry('none')) !== undefined);
    expect((await cache.getEntry('none'))?.freshFor).toBeLessThanOrEqual(30);
    for (const value of [null, 0, false, '', NaN]) {
      await cache.set('falsy', value);
      expect(await cache.get('falsy')).toBe(value);
      expect(await cache.getOrSet('falsy', async () => 'not asked')).toBe(value);
    }
  });

  it('shortens ttls at random, and never lengthens them', async () => {
    await open();
    await cache.setMany(
      Array.from({ length: 50 }, (__, i) => [`j${i}`, i]),
      { ttl: '1h', jitter: 0.5 },
    );
    const left = await Promise.all(
      Array.from({ length: 50 }, async (__, i) => (await cache.getEntry(`j${i}`))?.freshFor ?? 0),
    );
    expect(Math.max(...left)).toBeLessThanOrEqual(3_600_000);
    expect(Math.min(...left)).toBeGreaterThan(1_700_000);
    expect(new Set(left.map((ms) => Math.round(ms / 60_000))).size).toBeGreaterThan(5);
  });

  it('refreshes an entry whose load is slow before it is stale', async () => {
    await open();
    // So eager, and the load so slow, that it is due well before the ttl is over.
    const options = { ttl: 1000, jitter: 0, earlyRefresh: 100 } as const;
    let loads = 0;
    const load = async (): Promise<number> => {
      loads++;
      await new Promise((resolve) => setTimeout(resolve, 100));
      return loads;
    };
    await cache.getOrSet('k', load, options);
    const stored = performance.now();
    await eventually('a refresh', async () => {
      const began = performance.now();
      await cache.getOrSet('k', load, options);
      expect(performance.now() - began).toBeLessThan(100); // nobody waits for it
      return loads > 1;
    });
    expect(performance.now() - stored).toBeLessThan(1000);
  });

  it.runIf(layers.memory !== false)(
    'refreshes when the copy in memory is due, with no second throw of the dice for the entry in Redis',
    async () => {
      await open();
      const options = { ttl: '1m', jitter: 0, earlyRefresh: 100 } as const;
      let loads = 0;
      const load = async (): Promise<number> => {
        await new Promise((resolve) => setTimeout(resolve, 5));
        return ++loads;
      };
      // So small a number has the copy refreshed minutes before its end, and so large a one half a millisecond.
      const random = vi.spyOn(Math, 'random').mockReturnValue(Number.MIN_VALUE);
      try {
        await cache.getOrSet('k', load, options);
        await eventually('the copy', () => cache.stats().memory?.entries === 1);
        random.mockReturnValue(0.999);
        expect(await cache.getOrSet('k', load, options)).toBe(1);
        await eventually('the refresh', () => loads === 2);
      } finally {
        random.mockRestore();
      }
    },
  );
});
