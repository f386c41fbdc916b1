import { describe, expect, it } from 'vitest';

import { CacheMetrics } from '../../../src/metrics/cache-metrics.js';

const named = (metrics: CacheMetrics): unknown => metrics.snapshot().named;

describe('metrics of other parts', () => {
  it('are counts and gauges by name', () => {
    const metrics = new CacheMetrics();
    metrics.counter('write_behind.acknowledged').add();
    metrics.counter('write_behind.acknowledged').add(4);
    let length = 7;
    const remove = metrics.gauge('write_behind.backlog', () => length);
    expect(named(metrics)).toEqual({
      counters: { 'write_behind.acknowledged': 5 },
      gauges: { 'write_behind.backlog': 7 },
    });
    length = 3;
    expect(named(metrics)).toMatchObject({ gauges: { 'write_behind.backlog': 3 } });
    remove();
    expect(named(metrics)).toMatchObject({ gauges: {} });
    metrics.gauge('write_behind.backlog', () => 1);
    remove(); // of one that is gone: it takes away no other
    expect(named(metrics)).toMatchObject({ gauges: { 'write_behind.backlog': 1 } });
  });

  it('count nothing that is no count', () => {
    const metrics = new CacheMetrics();
    const count = metrics.counter('preload.turns');
    for (const by of [NaN, -1, Infinity, 1e300, 2]) count.add(by);
    expect(count.value).toBe(Number.MAX_SAFE_INTEGER);
  });

  it('leave out a gauge that cannot tell', () => {
    const metrics = new CacheMetrics();
    metrics.gauge('queue.broken', () => {
      throw new Error('gone');
    });
    metrics.gauge('queue.unknown', () => NaN);
    metrics.gauge('queue.length', () => 2);
    expect(named(metrics)).toEqual({ counters: {}, gauges: { 'queue.length': 2 } });
  });

  it.each(['', 'turns', 'Preload.turns', 'preload.', 'user:42', 'preload.turns of Monday', '9.a'])(
    'have no name such as %j',
    (name) => {
      const metrics = new CacheMetrics();
      expect(() => metrics.counter(name)).toThrow(/name of a metric/);
      expect(() => metrics.gauge(name, () => 1)).toThrow(/name of a metric/);
    },
  );

  it('share no name, and are at most 200: a name must not be made of data', () => {
    const metrics = new CacheMetrics();
    metrics.counter('queue.length');
    expect(() => metrics.gauge('queue.length', () => 1)).toThrow(/already/);
    for (let i = 1; i < 200; i++) metrics.counter(`tenant.n${i}`);
    expect(() => metrics.counter('tenant.n200')).toThrow(/200/);
    expect(() => metrics.gauge('tenant.n200', () => 1)).toThrow(/200/);
    expect(metrics.counter('tenant.n7').value).toBe(0);
  });
});
