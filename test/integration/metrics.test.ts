import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CacheManager, CacheOptions, MetricsCounters, MetricsSnapshot } from 'tiercel';
import { createCache, mergeSnapshots } from 'tiercel';
import { deferred } from '../../servers/deferred.js';
import { eventually } from '../support/eventually.js';
import { Opened, PATIENT } from '../support/open-cache.js';
import { sharedRedisUrl, startRedis, uniquePrefix } from '../support/redis.js';

/** The counts that are not 0. */
function counted(cache: CacheManager): Partial<MetricsCounters> {
  const { counters } = cache.metrics.snapshot();
  return Object.fromEntries(Object.entries(counters).filter(([, count]) => count !== 0));
}

const timed = ({ latency }: MetricsSnapshot): string[] =>
  latency.map(({ layer, operation, outcome, count }) => `${layer} ${operation} ${outcome} ${count}`).sort();

interface Case {
  readonly what: string;
  readonly options?: Omit<CacheOptions, 'redis'>;
  /** Done before counting begins. */
  readonly before?: (cache: CacheManager) => Promise<unknown>;
  readonly act: (cache: CacheManager) => Promise<unknown>;
  readonly expected: Partial<MetricsCounters>;
}

const load = async (): Promise<string> => 'loaded';
const fail = async (): Promise<never> => {
  throw new Error('the database says no');
};
/** Calls where a value is to be in memory: after that of Redis was read by this process. */
const kept = async (cache: CacheManager): Promise<void> => {
  await cache.set('k', 'value');
  await eventually('a copy in memory', () => cache.peek('k') !== undefined);
};

const hitInMemory = { hits: 1, memoryHits: 1 };
const missed = { misses: 1, memoryMisses: 1, redisMisses: 1 };
const loaded = { loads: 1, leasesTaken: 1, fills: 1 };

const cases: readonly Case[] = [
  { what: 'get of nothing', act: (cache) => cache.get('none'), expected: missed },
  { what: 'get from memory', before: kept, act: (cache) => cache.get('k'), expected: hitInMemory },
  { what: 'peek at memory', before: kept, act: async (cache) => cache.peek('k'), expected: hitInMemory },
  { what: 'peek at nothing', act: async (cache) => cache.peek('k'), expected: {} },
  { what: 'getEntry from memory', before: kept, act: (cache) => cache.getEntry('k'), expected: hitInMemory },
  {
    what: 'get from Redis',
    options: { memory: false },
    before: (cache) => cache.set('k', 1),
    act: (cache) => cache.get('k'),
    expected: { hits: 1, redisHits: 1 },
  },
  {
    what: 'getMany',
    before: kept,
    act: (cache) => cache.getMany(['k', 'none', 'other']),
    expected: { getManyCalls: 1, ...hitInMemory, misses: 2, memoryMisses: 2, redisMisses: 2 },
  },
  {
    what: 'getOrSet from memory',
    before: kept,
    act: (cache) => cache.getOrSet('k', load),
    expected: hitInMemory,
  },
  {
    what: 'getOrSet from Redis',
    options: { memory: false },
    before: (cache) => cache.set('k', 1),
    act: (cache) => cache.getOrSet('k', load),
    expected: { hits: 1, redisHits: 1 },
  },
  {
    what: 'getOrSet that loads',
    act: (cache) => cache.getOrSet('k', load),
    expected: { ...missed, ...loaded },
  },
  {
    what: 'ten callers of one load',
    act: (cache) => Promise.all(Array.from({ length: 10 }, () => cache.getOrSet('k', load))),
    expected: { ...missed, memoryMisses: 10, coalesced: 9, ...loaded },
  },
  {
    what: 'getOrSet whose load fails',
    act: (cache) => cache.getOrSet('k', fail).catch(() => undefined),
    expected: { ...missed, loads: 1, loadFailures: 1, leasesTaken: 1 },
  },
  {
    what: 'getOrSet whose load takes too long',
    act: (cache) =>
      cache
        .getOrSet('k', () => new Promise(() => undefined), { timeout: { hard: 20 } })
        .catch(() => undefined),
    expected: { ...missed, loads: 1, loadFailures: 1, loadTimeouts: 1, leasesTaken: 1 },
  },
  {
    what: 'getOrSet of what the loader has not',
    act: (cache) => cache.getOrSet('k', async () => undefined),
    expected: { ...missed, loads: 1, leasesTaken: 1 },
  },
  {
    what: 'getOrSet of a key that is deleted during the load',
    act: (cache) =>
      cache.getOrSet('k', async () => {
        await cache.delete('k');
        return 1;
      }),
    expected: {
      ...missed,
      loads: 1,
      leasesTaken: 1,
      fillsRefused: 1,
      deletes: 1,
      invalidationsSent: 1,
    },
  },
  {
    what: 'getOrSet of a stale value, which is loaded behind it',
    options: { staleWhileRevalidate: '1m', jitter: 0, memory: false },
    before: async (cache) => {
      await cache.set('k', 'old', { ttl: 1 });
      await eventually('the value is stale', async () => (await cache.getEntry('k'))?.stale);
    },
    act: async (cache) => {
      await cache.getOrSet('k', load);
      await eventually('the new value', () => cache.metrics.snapshot().counters.fills === 1);
    },
    expected: { hits: 1, redisHits: 1, staleServes: 1, staleWhileRevalidate: 1, ...loaded, refreshes: 1 },
  },
  {
    what: 'getOrSet of a stale value whose load fails',
    options: { staleIfError: '1m', jitter: 0, memory: false },
    before: async (cache) => {
      await cache.set('k', 'old', { ttl: 1 });
      await eventually('the value is stale', async () => (await cache.get('k')) === undefined);
    },
    act: (cache) => cache.getOrSet('k', fail),
    expected: {
      misses: 1,
      redisMisses: 1,
      staleServes: 1,
      staleIfError: 1,
      loads: 1,
      loadFailures: 1,
      leasesTaken: 1,
      backgroundErrors: 1,
    },
  },
  { what: 'set', act: (cache) => cache.set('k', 1), expected: { sets: 1 } },
  {
    what: 'set of what cannot be stored',
    act: (cache) => cache.set('k', Symbol('no')).catch(() => undefined),
    expected: { errors: 1, setErrors: 1 },
  },
  {
    what: 'setMany, one of which cannot be stored',
    act: (cache) =>
      cache
        .setMany([
          ['a', 1],
          ['b', Symbol('no')],
          ['c', 3],
        ])
        .catch(() => undefined),
    expected: { setManyCalls: 1, sets: 2, errors: 1, setErrors: 1 },
  },
  {
    what: 'delete of nothing',
    act: (cache) => cache.delete('none'),
    expected: { deletes: 1, invalidationsSent: 1 },
  },
  {
    what: 'deleteMany',
    act: (cache) => cache.deleteMany(['a', 'b', 'c']),
    expected: { deleteManyCalls: 1, deletes: 3, invalidationsSent: 3 },
  },
  {
    what: 'invalidateTags',
    act: (cache) => cache.invalidateTags(['users', 'teams']),
    expected: { tagInvalidations: 2, invalidationsSent: 2 },
  },
];

describe('what is counted', () => {
  let opened: Opened;
  beforeEach(() => {
    opened = new Opened();
  });
  afterEach(() => opened.close());

  async function open(options: Omit<CacheOptions, 'redis'> = {}): Promise<CacheManager> {
    const cache = createCache({
      redis: { url: sharedRedisUrl(), ...PATIENT },
      namespace: uniquePrefix(),
      ...options,
    });
    opened.add(() => cache.close());
    await cache.ready();
    return cache;
  }

  it.each(cases)('by $what', async ({ options, before, act, expected }) => {
    const cache = await open(options);
    await before?.(cache);
    cache.metrics.reset();
    await act(cache);
    await eventually('loads are stored', () => cache.metrics.snapshot().named.gauges['loads.running'] === 0);
    // What is stored behind the caller's back has its time.
    await eventually('the counts', () => {
      const now = counted(cache);
      return Object.entries(expected).every(([name, count]) => now[name as keyof MetricsCounters] === count);
    }).catch(() => undefined);
    expect(counted(cache)).toEqual(expected);
  });

  it('of memory alone', async () => {
    const cache = createCache({ namespace: 'shop' });
    opened.add(() => cache.close());
    await cache.getOrSet('k', load);
    await cache.getOrSet('k', load);
    await cache.set('k', 2);
    await cache.delete('k');
    await cache.invalidateTags(['t']);
    expect(counted(cache)).toEqual({
      hits: 1,
      memoryHits: 1,
      misses: 1,
      memoryMisses: 1,
      loads: 1,
      sets: 1,
      deletes: 1,
      tagInvalidations: 1,
    });
    expect(cache.stats().redis).toBeUndefined();
    expect(timed(cache.stats()).filter((row) => row.startsWith('redis'))).toEqual([]);
  });

  it('by namespace, and over all of them', async () => {
    const cache = await open();
    const [name] = Object.keys(cache.metrics.snapshot().namespaces);
    const inner = cache.namespace('inner');
    await inner.set('k', 1);
    await cache.delete('k');
    const { namespaces, counters } = cache.metrics.snapshot();
    expect(namespaces[`${name}:inner`]).toMatchObject({ sets: 1, deletes: 0 });
    expect(namespaces[name ?? '']).toMatchObject({ sets: 0, deletes: 1 });
    expect(counters).toMatchObject({ sets: 1, deletes: 1 });
  });

  it('of changes by others: each key and each tag that the server tells of', async () => {
    const namespace = uniquePrefix();
    const [one, other] = [await open({ namespace }), await open({ namespace })];
    await other.set('k', 1, { tags: ['t'] });
    await one.get('k');
    one.metrics.reset();
    await other.set('k', 2);
    await eventually('the change', () => one.metrics.snapshot().counters.invalidationsReceived === 1);
    await one.get('k');
    await other.set('tagged', 1, { tags: ['t'] });
    await one.get('tagged');
    const before = one.metrics.snapshot().counters.invalidationsReceived;
    await other.invalidateTags(['t']);
    await eventually('the tag', () => one.metrics.snapshot().counters.invalidationsReceived > before);
    expect(one.metrics.snapshot().counters).toMatchObject({ invalidationsSent: 0 });
  });

  it('of a load that another process runs, and of one that is taken over from it', async () => {
    const namespace = uniquePrefix();
    const [one, other] = [await open({ namespace }), await open({ namespace })];
    const loading = deferred<string>();
    const began = deferred<void>();
    const holder = one.getOrSet('k', () => {
      began.resolve();
      return loading.promise;
    });
    await began.promise;
    const waiter = other.getOrSet('k', load);
    await eventually('the wait', () => other.metrics.snapshot().counters.leaseWaits > 0);
    loading.reject(new Error('the database says no'));
    await expect(holder).rejects.toThrow('says no');
    expect(await waiter).toBe('loaded');
    expect(other.metrics.snapshot().counters).toMatchObject({
      leaseTakeovers: 1,
      leasesTaken: 1,
      loads: 1,
      misses: 1,
    });
    expect(one.metrics.snapshot().counters).toMatchObject({ leaseTakeovers: 0, loadFailures: 1 });
  });

  it('with the time that each kind of operation took, by layer and by how it ended', async () => {
    const cache = await open({ memory: false });
    await cache.getOrSet('k', load);
    await eventually('the fill', () => cache.metrics.snapshot().counters.fills === 1);
    await cache.get('k');
    await cache.set('k', 2);
    await cache.setMany([['k', 3]]);
    await cache.deleteMany(['k']);
    await cache.invalidateTags(['t']);
    await cache.getOrSet('bad', fail).catch(() => undefined);
    expect(timed(cache.stats())).toEqual([
      'load load error 1',
      'load load ok 1',
      'redis delete ok 1',
      'redis deleteMany ok 1',
      'redis fill ok 1',
      'redis get hit 1',
      'redis get miss 2',
      'redis invalidateTags ok 1',
      'redis lease ok 2',
      'redis set ok 2',
      'redis setMany ok 1',
    ]);
    expect(cache.stats().latency.every(({ max, p50 }) => max > 0 && p50 > 0)).toBe(true);
  });

  it('with a sample of the hits in memory, and the keys that are hot', async () => {
    const cache = await open();
    await cache.set('hot', 1);
    await cache.set('cold', 2);
    for (let i = 0; i < 20_000; i++) cache.peek(i % 20 === 0 ? 'cold' : 'hot');
    const { counters, latency, hotKeys } = cache.metrics.snapshot();
    expect(counters.memoryHits).toBe(20_000);
    const [memory] = latency;
    expect(memory).toMatchObject({ layer: 'memory', operation: 'get', outcome: 'hit' });
    expect((memory?.count ?? 0) * (memory?.timedOneIn ?? 0)).toBeCloseTo(20_000, 3);
    expect(hotKeys?.keys[0]).toMatchObject({ key: 'hot', error: 0 });
    expect(hotKeys?.keys[0]?.share).toBeGreaterThan(0.7);
  });

  it('with how old it was what was served stale', async () => {
    const cache = await open({ staleWhileRevalidate: '1m', jitter: 0, memory: false });
    await cache.set('k', 1, { ttl: 5 });
    await eventually('the value is stale', async () => (await cache.getEntry('k'))?.stale);
    cache.metrics.reset();
    await cache.get('k');
    const { staleAge, counters } = cache.metrics.snapshot();
    expect(counters.staleServes).toBe(1);
    expect(staleAge.count).toBe(1);
    expect(staleAge.min).toBeGreaterThanOrEqual(5);
  });

  it('with how memory and Redis stand', async () => {
    await using server = await startRedis();
    const cache = createCache({
      redis: { url: server.url, commandTimeout: 200, retryDelay: { min: 20, max: 50 } },
      memory: { maxBytes: 20_000 },
    });
    opened.add(() => cache.close());
    await cache.ready();
    for (let i = 0; i < 200; i++) await cache.set(`k${i}`, 'x'.repeat(100));
    const { memory, redis } = cache.metrics.snapshot();
    expect(memory).toMatchObject({ maxBytes: 20_000 });
    expect(memory?.entries).toBeGreaterThan(0);
    expect(memory?.bytes).toBeLessThanOrEqual(20_000);
    expect(memory?.evictions).toBeGreaterThan(50);
    expect(redis).toMatchObject({ states: { ready: 1, lost: 0 }, entered: { ready: 1 }, tracking: true });
    expect(redis?.servers).toMatchObject([{ address: `127.0.0.1:${server.port}`, states: { ready: 1 } }]);
    await server.kill();
    await eventually('the loss', () => cache.metrics.snapshot().redis?.states.lost === 1);
    await cache.delete('k1').catch(() => undefined);
    expect(cache.metrics.snapshot()).toMatchObject({
      counters: { deleteErrors: 1, invalidationsDeferred: 1 },
      named: { gauges: { 'recovery.pending': 1 } },
    });
    await server.restart();
    await eventually('the replay', () => cache.metrics.snapshot().named.gauges['recovery.pending'] === 0);
    expect(cache.metrics.snapshot().redis).toMatchObject({ states: { ready: 1 }, entered: { ready: 2 } });
    cache.metrics.reset();
    expect(cache.metrics.snapshot()).toMatchObject({
      memory: { evictions: 0 },
      redis: { states: { ready: 1 }, entered: { ready: 0 } },
    });
  });

  it('of reads that Redis failed, which are no misses', async () => {
    await using server = await startRedis();
    const cache = createCache({ redis: { url: server.url, commandTimeout: 100 }, memory: false });
    opened.add(() => cache.close());
    await cache.ready();
    await server.freeze();
    expect(await cache.getOrSet('k', load)).toBe('loaded');
    expect(await cache.get('k')).toBeUndefined();
    await expect(cache.set('k', 1)).rejects.toThrow('Redis');
    const { counters, ratios, backgroundErrors } = cache.metrics.snapshot();
    expect(counters).toMatchObject({ redisErrors: 2, setErrors: 1, errors: 3, misses: 0, loads: 1 });
    expect(ratios).toEqual({ hit: 0, miss: 0, error: 1 });
    expect(backgroundErrors).toMatchObject({ read: 1, get: 1 });
    await server.thaw();
  });

  it('after a reset in the middle of everything: nothing is negative, and what ends later is counted later', async () => {
    const cache = await open();
    const loading = deferred<string>();
    const callers = Array.from({ length: 50 }, (_, i) => cache.getOrSet(`k${i}`, () => loading.promise));
    await eventually('the loads', () => cache.metrics.snapshot().named.gauges['loads.running'] === 50);
    cache.metrics.reset();
    expect(counted(cache)).toEqual({});
    expect(cache.metrics.snapshot().named.gauges['loads.running']).toBe(50);
    loading.resolve('loaded');
    await Promise.all(callers);
    await eventually('the fills', () => cache.metrics.snapshot().counters.fills === 50);
    expect(counted(cache)).toEqual({ fills: 50 });
    expect(cache.metrics.snapshot().named.gauges['loads.running']).toBe(0);
  });

  it('of what is written behind, refused, given up and preloaded', async () => {
    const cache = await open();
    const named = (name: string): number | undefined => cache.metrics.snapshot().named.counters[name];
    let refusals = 1;
    const rows = cache.resource('row', {
      load: async () => undefined as string | undefined,
      save: async (id: number) => {
        if (id === 2) throw new Error('never');
        if (refusals-- > 0) throw new Error('not now');
      },
      write: 'behind',
      behind: { maxAttempts: 2, retryDelay: { min: 1, max: 2 } },
    });
    await rows.save(1, 'a');
    await rows.save(2, 'b');
    expect(named('write_behind.acknowledged')).toBe(2);
    await eventually('the database has one and refuses the other', () => {
      return named('write_behind.applied') === 1 && named('write_behind.dead') === 1;
    });
    expect(named('write_behind.refused')).toBeGreaterThanOrEqual(1);

    let fails = false;
    const rowsOf = (): [string, number][] => {
      if (fails) throw new Error('no rows');
      return [['warm', 1]];
    };
    cache.preload([{ name: 'warm', schedule: 200, load: rowsOf }]);
    await eventually('a turn', () => named('preload.turns') === 1);
    expect(named('preload.failures')).toBe(0);
    fails = true;
    await eventually('a failed turn', () => named('preload.failures') === 1);
  });

  it('adds up over processes', async () => {
    const namespace = uniquePrefix();
    const [one, other] = [await open({ namespace }), await open({ namespace })];
    await one.set('k', 1);
    await other.get('k');
    const merged = mergeSnapshots([one.metrics.snapshot(), other.metrics.snapshot()]);
    expect(merged).toMatchObject({
      processes: 2,
      counters: { sets: 1, redisHits: 1 },
      namespaces: { [namespace]: { sets: 1, redisHits: 1 } },
      redis: { states: { ready: 2 } },
    });
  });
});

describe('what is told on diagnostics channels', () => {
  const CHANNELS = ['read', 'load', 'write', 'invalidate', 'error', 'state'].map((name) => `tiercel:${name}`);
  let told: [channel: string, message: Record<string, unknown>][];
  const listen = (message: unknown, name: string | symbol): void =>
    void told.push([String(name), message as Record<string, unknown>]);

  beforeEach(() => {
    told = [];
    for (const name of CHANNELS) subscribe(name, listen);
  });
  afterEach(() => {
    for (const name of CHANNELS) unsubscribe(name, listen);
  });

  const of = (namespace: string, name: string): Record<string, unknown>[] =>
    told
      .filter(([channel, message]) => channel === name && message['namespace'] === namespace)
      .map(([, m]) => m);

  it('is every answer, load, write and change', async () => {
    const namespace = uniquePrefix();
    const redis = { url: sharedRedisUrl(), ...PATIENT };
    await using cache = createCache({ redis, namespace });
    await cache.ready();
    await cache.getOrSet('k', load);
    await eventually('the copy', () => cache.peek('k'));
    await cache.getOrSet('k', load);
    const error = new Error('the database says no');
    await cache.getOrSet('bad', () => Promise.reject(error)).catch(() => undefined);
    await cache.set('s', 1);
    await cache.delete('s');
    await cache.invalidateTags(['t']);
    await using other = createCache({ redis, namespace });
    await other.ready();
    await other.set('k', 'changed');
    await eventually('the change', () =>
      of(namespace, 'tiercel:invalidate').some((m) => m['origin'] === 'elsewhere'),
    );

    const reads = of(namespace, 'tiercel:read');
    expect(reads[0]).toEqual({ namespace, key: 'k', layer: 'load', stale: false, age: 0 });
    expect(reads[1]).toMatchObject({ key: 'k', layer: 'memory', stale: false });
    expect(of(namespace, 'tiercel:load')).toMatchObject([
      { key: 'k', background: false, error: undefined },
      { key: 'bad', background: false, error },
    ]);
    expect(of(namespace, 'tiercel:load').every(({ duration }) => Number(duration) >= 0)).toBe(true);
    expect(of(namespace, 'tiercel:write')).toMatchObject([
      { key: 's', operation: 'set', error: undefined },
      { key: 's', operation: 'delete', error: undefined },
      { key: 'k', operation: 'set', error: undefined },
    ]);
    expect(of(namespace, 'tiercel:invalidate')).toEqual(
      expect.arrayContaining([
        { namespace, key: 's', origin: 'here' },
        { namespace, tag: 't', origin: 'here' },
        { namespace, key: 'k', origin: 'elsewhere' },
      ]),
    );
    expect(told.filter(([name]) => name === 'tiercel:state').map(([, m]) => m['state'])).toContain('ready');
  });

  it('is what failed and no caller was told of', async () => {
    const namespace = uniquePrefix();
    await using server = await startRedis();
    await using cache = createCache({ redis: { url: server.url, commandTimeout: 100 }, namespace });
    await cache.ready();
    await server.kill();
    await eventually('the loss', () => cache.stats().state === 'lost');
    await cache.getOrSet('k', load);
    await expect(cache.delete('k')).rejects.toThrow('Redis');
    expect(of(namespace, 'tiercel:error')).toMatchObject([{ operation: 'read', key: 'k' }]);
    expect(of(namespace, 'tiercel:write')).toMatchObject([
      { operation: 'delete', error: { code: 'TIERCEL_CONNECTION' } },
    ]);
    expect(of(namespace, 'tiercel:invalidate')).toEqual([]);
  });
});
