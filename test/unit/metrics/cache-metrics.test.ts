import { describe, expect, it } from 'vitest';

import { CacheMetrics } from '../../../src/metrics/cache-metrics.js';

function clockAt(start: number): { now: number; wall: () => number; monotonic: () => number } {
  const clock = { now: start, wall: () => clock.now, monotonic: () => clock.now };
  return clock;
}

describe('CacheMetrics', () => {
  it('is all zeros at first, rates too', () => {
    const snapshot = new CacheMetrics({ clock: clockAt(1000) }).snapshot();
    expect(snapshot).toMatchObject({
      since: 1000,
      counters: { hits: 0, misses: 0, errors: 0, sets: 0, deletes: 0, loads: 0, coalesced: 0 },
      rates: { hit: 0, miss: 0, error: 0 },
    });
    expect(snapshot.readLatency.hit.count).toBe(0);
  });

  it('counts a read and its latency by how it ended', () => {
    const metrics = new CacheMetrics();
    metrics.recordRead('hit', 1);
    metrics.recordRead('hit', 1);
    metrics.recordRead('miss', 2);
    metrics.recordRead('error', 250);
    const { counters, rates, readLatency } = metrics.snapshot();
    expect(counters).toMatchObject({ hits: 2, misses: 1, errors: 1 });
    expect(rates).toEqual({ hit: 0.5, miss: 0.25, error: 0.25 });
    expect(readLatency.hit).toMatchObject({ count: 2, max: 1 });
    expect(readLatency.miss).toMatchObject({ count: 1, max: 2 });
    expect(readLatency.error).toMatchObject({ count: 1, max: 250 });
  });

  it('does not take failed reads for misses', () => {
    const metrics = new CacheMetrics();
    metrics.recordRead('error', 1);
    expect(metrics.snapshot().counters.misses).toBe(0);
    expect(metrics.snapshot().rates).toEqual({ hit: 0, miss: 0, error: 1 });
  });

  it('keeps failed writes out of the rates of reads', () => {
    const metrics = new CacheMetrics();
    metrics.recordRead('hit', 1);
    metrics.increment('errors', 9);
    expect(metrics.snapshot().counters.errors).toBe(9);
    expect(metrics.snapshot().rates).toEqual({ hit: 1, miss: 0, error: 0 });
  });

  it('counts reads that were not timed in the rates', () => {
    const metrics = new CacheMetrics();
    metrics.increment('hits', 2);
    metrics.recordRead('hit', NaN);
    metrics.recordRead('miss', 1);
    const { counters, rates, readLatency } = metrics.snapshot();
    expect(counters.hits).toBe(3);
    expect(rates.hit).toBe(0.75);
    expect(readLatency.hit.count).toBe(0);
  });

  it('increments each counter by one or by more', () => {
    const metrics = new CacheMetrics();
    metrics.increment('sets');
    metrics.increment('deletes', 3);
    metrics.increment('loads');
    metrics.increment('coalesced', 49);
    metrics.increment('memoryHits', 2);
    metrics.increment('staleServes');
    metrics.increment('leaseWaits', 4);
    metrics.increment('invalidationsReceived', 5);
    expect(metrics.snapshot().counters).toEqual({
      hits: 0,
      misses: 0,
      errors: 0,
      sets: 1,
      deletes: 3,
      loads: 1,
      coalesced: 49,
      memoryHits: 2,
      staleServes: 1,
      leaseWaits: 4,
      invalidationsReceived: 5,
    });
  });

  it('begins anew on reset', () => {
    const clock = clockAt(1000);
    const metrics = new CacheMetrics({ clock });
    metrics.recordRead('hit', 1);
    metrics.recordRead('error', 1);
    metrics.increment('sets');
    clock.now = 5000;
    metrics.reset();
    expect(metrics.snapshot()).toEqual(new CacheMetrics({ clock }).snapshot());
    expect(metrics.snapshot().since).toBe(5000);
  });

  it('gives copies, which do not change any more', () => {
    const metrics = new CacheMetrics();
    const before = metrics.snapshot();
    metrics.recordRead('hit', 1);
    expect(before.counters.hits).toBe(0);
    expect(before.readLatency.hit.count).toBe(0);
  });

  it('gives plain JSON', () => {
    const metrics = new CacheMetrics();
    metrics.recordRead('hit', Infinity);
    const snapshot = metrics.snapshot();
    expect(JSON.parse(JSON.stringify(snapshot))).toEqual(snapshot);
  });
});
