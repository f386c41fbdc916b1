import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { createCache, type CacheManager } from 'tiercel';
import { deferred } from '../../servers/deferred.js';
import { closedLoop } from '../support/closed-loop.js';
import { eventually } from '../support/eventually.js';
import { Opened, PATIENT } from '../support/open-cache.js';
import { sharedRedisUrl, startRedis, uniquePrefix, type RedisServer } from '../support/redis.js';

/** Counts how many loads of a key run at once. */
class Loads {
  total = 0;
  most = 0;
  readonly #running = new Map<string, number>();

  async run<T>(key: string, work: () => Promise<T>): Promise<T> {
    const now = (this.#running.get(key) ?? 0) + 1;
    this.#running.set(key, now);
    this.total++;
    this.most = Math.max(this.most, now);
    try {
      return await work();
    } finally {
      this.#running.set(key, now - 1);
    }
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('P1 one load: of a missing key at most one load runs at a time, in one process', () => {
  const opened = new Opened();
  let server: RedisServer;

  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.stop());
  afterEach(() => opened.close());

  async function open(url = sharedRedisUrl(), timing = PATIENT): Promise<CacheManager> {
    const cache = createCache({ redis: { url, ...timing }, namespace: uniquePrefix() });
    opened.add(() => cache.close());
    await cache.ready();
    return cache;
  }

  it('for a thousand callers of one key', async () => {
    const cache = await open();
    const loaded = deferred<string>();
    const load = vi.fn(() => loaded.promise);
    const callers = Array.from({ length: 1000 }, () => cache.getOrSet('k', load));
    await eventually('the load', () => load.mock.calls.length > 0);
    loaded.resolve('value');
    expect(new Set(await Promise.all(callers))).toEqual(new Set(['value']));
    expect(load).toHaveBeenCalledOnce();
  });

  it('and who waits for the load of a cache that nobody tells of changes asks often enough', async () => {
    const [url, namespace] = [sharedRedisUrl(), uniquePrefix()];
    const openUntold = async (): Promise<CacheManager> => {
      const cache = createCache({ redis: { url, ...PATIENT }, namespace, memory: false });
      opened.add(() => cache.close());
      await cache.ready();
      return cache;
    };
    const [loading, waiting] = [await openUntold(), await openUntold()];
    const [loaded, neverCalled] = [deferred<string>(), vi.fn(() => Promise.resolve('theirs'))];
    const load = vi.fn(() => loaded.promise);
    const first = loading.getOrSet('k', load);
    await eventually('the load', () => load.mock.calls.length > 0);
    const second = waiting.getOrSet('k', neverCalled);
    await eventually('the first wait', () => waiting.stats().counters.leaseWaits > 0);
    const began = performance.now();
    await eventually('the fifth', () => waiting.stats().counters.leaseWaits >= 5);
    // As often as where changes are told, it would take 265 ms at least.
    expect(performance.now() - began).toBeLessThan(250);
    loaded.resolve('ours');
    expect(await Promise.all([first, second])).toEqual(['ours', 'ours']);
    expect(neverCalled).not.toHaveBeenCalled();
  });

  it('also for callers that come while it runs, one turn after the other', async () => {
    const cache = await open();
    const loaded = deferred<string>();
    const load = vi.fn(() => loaded.promise);
    const callers: Array<Promise<string>> = [];
    for (let i = 0; i < 100; i++) {
      callers.push(cache.getOrSet('k', load));
      await turn();
    }
    loaded.resolve('value');
    await Promise.all(callers);
    expect(load).toHaveBeenCalledOnce();
  });

  it('for callers that come in the moment it ends: what it stored is read before anything is loaded', async () => {
    const cache = await open();
    const load = vi.fn(async () => 1);
    for (let i = 0; i < 100; i++) await cache.getOrSet('k', load);
    expect(load).toHaveBeenCalledOnce();
  });

  it('for each of many keys by itself', async () => {
    const cache = await open();
    const loads = new Loads();
    const callers = Array.from({ length: 5000 }, (_, i) => {
      const key = `k${i % 100}`;
      return cache.getOrSet(key, () => loads.run(key, async () => key));
    });
    await Promise.all(callers);
    expect(loads).toMatchObject({ total: 100, most: 1 });
  });

  it('through whichever door the callers come', async () => {
    const cache = await open();
    const load = vi.fn(async (_id: number) => 'value');
    const things = cache.resource('thing', { load });
    await Promise.all([
      ...Array.from({ length: 50 }, () => things.get(1)),
      ...Array.from({ length: 50 }, () => things.getMany([1])),
      ...Array.from({ length: 50 }, () => cache.getOrSet('thing:1', () => load(1))),
      ...Array.from({ length: 50 }, (_, i) =>
        cache.getOrSetMany([`other:${i}`, 'thing:1'], (keys) =>
          Promise.all(keys.map(async (key) => (key === 'thing:1' ? load(1) : key))),
        ),
      ),
    ]);
    expect(load).toHaveBeenCalledOnce();
  });

  it('while entries expire under the callers', async () => {
    const cache = await open();
    const loads = new Loads();
    const loop = closedLoop(50, () =>
      cache.getOrSet('k', () => loads.run('k', turn).then(() => 1), { ttl: 1 }),
    );
    await eventually('expiries', () => loads.total > 20);
    expect((await loop.stop()).failures).toEqual([]);
    expect(loads.most).toBe(1);
  });

  it('while it fails: waiters share the error, later callers load again, nothing is left behind', async () => {
    const cache = await open();
    const loads = new Loads();
    const fail = (): Promise<never> =>
      loads.run('k', async () => {
        await turn();
        throw new Error(`load ${loads.total}`);
      });
    for (let round = 1; round <= 5; round++) {
      const outcomes = await Promise.all(
        Array.from({ length: 50 }, () => cache.getOrSet('k', fail).catch((error: unknown) => error)),
      );
      expect(new Set(outcomes).size).toBe(1);
      expect(outcomes[0]).toMatchObject({ message: `load ${round}` });
    }
    expect(loads).toMatchObject({ total: 5, most: 1 });
    expect(await cache.getOrSet('k', () => 'well')).toBe('well');
  });

  it.each(['killed', 'frozen'] as const)('while Redis is %s', async (fault) => {
    const cache = await open(server.url, {});
    const loads = new Loads();
    await (fault === 'killed' ? server.kill() : server.freeze());
    try {
      const loop = closedLoop(50, (caller) => {
        const key = `k${caller % 5}`;
        return cache.getOrSet(key, () => loads.run(key, turn));
      });
      await eventually('loads', () => loads.total > 200);
      const report = await loop.stop();
      expect(report.failures).toEqual([]);
      expect(loads.most).toBe(1);
    } finally {
      await server.restart();
    }
  });
});
