import { afterEach, describe, expect, it, vi } from 'vitest';

import { CacheMetrics } from '../../../src/metrics/cache-metrics.js';
import { COUNTERS } from '../../../src/metrics/counters.js';
import { Histogram } from '../../../src/metrics/histogram.js';
import { Latencies } from '../../../src/metrics/latencies.js';
import { mergeSnapshots } from '../../../src/metrics/merge-snapshots.js';
import { NamespaceMetrics } from '../../../src/metrics/namespace-metrics.js';
import { FakeClock } from '../../support/fake-clock.js';

describe('CacheMetrics', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it('is all zeros at first, ratios and rates too', () => {
    const snapshot = new CacheMetrics({ clock: new FakeClock(1000) }).snapshot();
    expect(snapshot).toMatchObject({
      version: 1,
      since: 1000,
      at: 1000,
      processes: 1,
      namespaces: {},
      ratios: { hit: 0, miss: 0, error: 0 },
      latency: [],
      hotKeys: { total: 0, floor: 0, keys: [] },
      named: { counters: {}, gauges: {} },
    });
    expect(Object.values(snapshot.counters)).toEqual(COUNTERS.map(() => 0));
    expect(snapshot.windows.map(({ perSecond }) => perSecond.hits)).toEqual([0, 0]);
    expect(snapshot).not.toHaveProperty('memory');
    expect(snapshot).not.toHaveProperty('redis');
    expect(snapshot).not.toHaveProperty('coherence');
  });

  it('tells how late changes are heard of, where anybody tells of them, and begins anew with a reset', () => {
    const metrics = new CacheMetrics();
    let measured: (milliseconds: number) => void = () => undefined;
    metrics.attach(undefined, undefined, { onLag: (listener) => void (measured = listener) });
    expect(metrics.snapshot().coherence).toMatchObject({ lag: { count: 0, max: 0 } });
    for (const milliseconds of [1, 2, 40]) measured(milliseconds);
    const { coherence } = metrics.snapshot();
    expect(coherence).toMatchObject({ lag: { count: 3, sum: 43, min: 1, max: 40 } });
    expect(JSON.parse(JSON.stringify(coherence))).toEqual(coherence);
    metrics.reset();
    expect(metrics.snapshot().coherence).toMatchObject({ lag: { count: 0, max: 0 } });
    measured(3);
    expect(metrics.snapshot().coherence).toMatchObject({ lag: { count: 1, max: 3 } });
  });

  it('counts a read of Redis and its latency by how it ended', () => {
    const metrics = new CacheMetrics();
    const shop = metrics.namespace('shop');
    shop.readFromRedis('hit', 1, 'a');
    shop.readFromRedis('hit', 1, 'a');
    shop.readFromRedis('miss', 2, 'b');
    shop.readFromRedis('error', 250, 'c');
    const { counters, ratios, latency } = metrics.snapshot();
    expect(counters).toMatchObject({ hits: 2, redisHits: 2, misses: 1, redisMisses: 1, redisErrors: 1 });
    expect(ratios).toEqual({ hit: 0.5, miss: 0.25, error: 0.25 });
    expect(latency).toMatchObject([
      { layer: 'redis', operation: 'get', outcome: 'hit', count: 2, max: 1, timedOneIn: 1 },
      { layer: 'redis', operation: 'get', outcome: 'miss', count: 1, max: 2 },
      { layer: 'redis', operation: 'get', outcome: 'error', count: 1, max: 250 },
    ]);
  });

  it('does not take failed reads for misses, nor failed writes for reads', () => {
    const metrics = new CacheMetrics();
    const shop = metrics.namespace('shop');
    shop.readFromRedis('error', 1, 'k');
    shop.writeFailed(1);
    const { counters, ratios } = metrics.snapshot();
    expect(counters).toMatchObject({ misses: 0, errors: 2, setErrors: 1 });
    expect(ratios).toEqual({ hit: 0, miss: 0, error: 1 });
  });

  it('counts a read that was not timed, and times it not', () => {
    const metrics = new CacheMetrics();
    metrics.namespace('shop').readFromRedis('hit', NaN, 'k');
    expect(metrics.snapshot().counters.hits).toBe(1);
    expect(metrics.snapshot().latency).toEqual([]);
  });

  it('keeps namespaces apart and adds them up', () => {
    const metrics = new CacheMetrics();
    metrics.namespace('shop').written(1);
    metrics.namespace('shop:eu').written(1);
    metrics.namespace('shop:eu').removed(1, true);
    const { counters, namespaces } = metrics.snapshot();
    expect(counters).toMatchObject({ sets: 2, deletes: 1 });
    expect(namespaces['shop']).toMatchObject({ sets: 1, deletes: 0 });
    expect(namespaces['shop:eu']).toMatchObject({ sets: 1, deletes: 1 });
  });

  it.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty', '', '0'])(
    'counts a namespace called %j as any other, and so does what merges it',
    (name) => {
      const metrics = new CacheMetrics();
      metrics.namespace(name).written(1);
      metrics.namespace('shop').written(1);
      const snapshot = metrics.snapshot();
      for (const { namespaces, counters } of [snapshot, mergeSnapshots([snapshot])]) {
        expect(Object.keys(namespaces).sort()).toEqual([name, 'shop'].sort());
        expect(Object.getOwnPropertyDescriptor(namespaces, name)?.value).toMatchObject({ sets: 1 });
        expect(counters.sets).toBe(2);
      }
    },
  );

  it('takes all namespaces beyond 200 as one', () => {
    const metrics = new CacheMetrics();
    for (let tenant = 0; tenant < 500; tenant++) metrics.namespace(`tenant ${tenant}`).written(NaN);
    const { counters, namespaces } = metrics.snapshot();
    expect(counters.sets).toBe(500);
    expect(Object.keys(namespaces)).toHaveLength(201);
    expect(namespaces['(other)']?.sets).toBe(300);
  });

  it('counts hits in memory exactly, though it samples them', () => {
    const metrics = new CacheMetrics();
    const counts = metrics.namespace('shop');
    for (let i = 0; i < 10_000; i++) {
      if (counts.beforeSample === 0 && i % 3 === 0) counts.postponeSample();
      if (counts.beforeSample === 0) counts.hitSampled('k', 0.001, i);
      else counts.beforeSample--;
      expect(counts.memoryHits).toBe(i + 1);
    }
    const [memory] = metrics.snapshot().latency;
    expect(memory).toMatchObject({ layer: 'memory', operation: 'get', outcome: 'hit' });
    expect(memory?.timedOneIn).toBeCloseTo(10_000 / (memory?.count ?? 0), 6);
  });

  it('stays at the last exact number, and never goes back from there', () => {
    const metrics = new CacheMetrics();
    const counts = metrics.namespace('shop');
    counts.sets = Number.MAX_SAFE_INTEGER - 1;
    metrics.namespace('other').sets = 5;
    const read = (): number => metrics.snapshot().counters.sets;
    expect(read()).toBe(Number.MAX_SAFE_INTEGER);
    for (let i = 0; i < 10; i++) counts.sets++;
    expect(read()).toBe(Number.MAX_SAFE_INTEGER);
    counts.sets += 1e6;
    expect(read()).toBe(Number.MAX_SAFE_INTEGER);
  });

  it('keeps hits in memory from going back at the end of the exact numbers, though they are a difference', () => {
    const draws = [(Number.MAX_SAFE_INTEGER - 1000) / 31]; // of 31 that may be drawn at first
    const counts = new NamespaceMetrics({
      name: 'shop',
      latencies: new Latencies(),
      staleAge: new Histogram(),
      hotKeys: undefined,
      clock: new FakeClock(),
      random: () => draws.shift() ?? Math.random(),
    });
    counts.beforeSample = 0; // so many hits came
    let before = counts.counters().memoryHits;
    expect(before).toBeLessThan(Number.MAX_SAFE_INTEGER);
    for (let i = 0; i < 5000; i++) {
      counts.hitUntimed('k');
      const now = counts.counters().memoryHits;
      expect(now).toBeGreaterThanOrEqual(before);
      before = now;
    }
    expect(before).toBe(Number.MAX_SAFE_INTEGER);
  });

  it('begins anew on reset, and counts what ends afterwards', () => {
    const clock = new FakeClock(1000);
    const metrics = new CacheMetrics({ clock });
    const shop = metrics.namespace('shop');
    const events = metrics.counter('preload.turns');
    shop.readFromRedis('hit', 1, 'k');
    shop.hitSampled('k', 1, 1000);
    shop.servedStale('error', 1000);
    shop.loadBegan(false);
    metrics.backgroundError('fill');
    events.add(3);
    clock.now = 5000;
    metrics.reset();
    const fresh = new CacheMetrics({ clock });
    fresh.namespace('shop');
    fresh.counter('preload.turns');
    expect(metrics.snapshot()).toEqual(fresh.snapshot());
    expect(metrics.snapshot().since).toBe(5000);
    expect(metrics.loadsRunning).toBe(1);
    shop.loadEnded(20);
    expect(metrics.loadsRunning).toBe(0);
    expect(metrics.snapshot().latency).toMatchObject([{ layer: 'load', outcome: 'ok', count: 1 }]);
  });

  it('counts failures in the background by operation, and unknown operations as others', () => {
    const metrics = new CacheMetrics();
    for (const operation of ['fill', 'fill', 'refresh', 'toString', 'moonshine']) {
      metrics.backgroundError(operation);
    }
    expect(metrics.snapshot().backgroundErrors).toMatchObject({ fill: 2, refresh: 1, other: 2 });
  });

  it('tells how often things happened in the last minutes, without being asked meanwhile', () => {
    vi.useFakeTimers();
    const clock = new FakeClock();
    const metrics = new CacheMetrics({ clock });
    const shop = metrics.namespace('shop');
    for (let second = 0; second < 400; second++) {
      for (let i = 0; i < (second < 340 ? 10 : 40); i++) shop.written(NaN);
      clock.advance(1000);
      vi.advanceTimersByTime(1000);
    }
    const [minute, five] = metrics.snapshot().windows;
    expect(minute).toMatchObject({ seconds: 60, covers: 60 });
    expect(minute?.perSecond.sets).toBeCloseTo(40, 5);
    expect(five?.perSecond.sets).toBeCloseTo((240 * 10 + 60 * 40) / 300, 5);
  });

  it('gives copies, which do not change any more', () => {
    const metrics = new CacheMetrics();
    const before = metrics.snapshot();
    metrics.namespace('shop').readFromRedis('hit', 1, 'k');
    expect(before.counters.hits).toBe(0);
    expect(before.latency).toEqual([]);
  });

  it('gives plain JSON', () => {
    const metrics = new CacheMetrics();
    const shop = metrics.namespace('');
    shop.readFromRedis('hit', Infinity, 'k');
    shop.servedStale('revalidate', -5);
    metrics.gauge('queue.length', () => 3);
    const snapshot = metrics.snapshot();
    expect(JSON.parse(JSON.stringify(snapshot))).toEqual(snapshot);
  });

  it('looks at no key where it is told not to', () => {
    const metrics = new CacheMetrics({ hotKeys: false });
    const shop = metrics.namespace('shop');
    for (let i = 0; i < 2000; i++) shop.readFromRedis('hit', 1, 'secret');
    expect(JSON.stringify(metrics.snapshot())).not.toContain('secret');
    expect(metrics.snapshot()).not.toHaveProperty('hotKeys');
  });

  it('refuses wrong options with the value they had', () => {
    expect(() => new CacheMetrics({ hotKeys: 0 })).toThrow(/hotKeys.*0/);
    expect(() => new CacheMetrics({ hotkeys: 5 } as object)).toThrow(/hotkeys/);
  });
});
