import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { zeros } from '../../../src/metrics/counters.js';
import { mergeWindows, RateWindows } from '../../../src/metrics/rate-windows.js';
import type { MetricsCounters } from '../../../src/metrics/snapshot.js';

const sets = (count: number): MetricsCounters => ({ ...zeros(), sets: count });

describe('rates of the last minutes', () => {
  it('are 0 at the beginning, over no time', () => {
    const windows = new RateWindows(500);
    const window = windows.over(60, 500, sets(0));
    expect(window).toMatchObject({ seconds: 60, covers: 0, ratios: { hit: 0, miss: 0, error: 0 } });
    expect(window.perSecond.sets).toBe(0);
  });

  it('are over the time there was, as long as that is shorter than the window', () => {
    const windows = new RateWindows(1000);
    windows.note(3000, sets(10));
    const window = windows.over(60, 11_000, sets(50));
    expect(window).toMatchObject({ covers: 10 });
    expect(window.perSecond.sets).toBe(5);
  });

  it('are what a stream of a steady rate has, wherever the readings fall', () => {
    const gaps = fc.array(fc.integer({ min: 1, max: 20_000 }), { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(gaps, fc.integer({ min: 1, max: 1000 }), (between, rate) => {
        const windows = new RateWindows(0);
        let at = 0;
        for (const gap of between) {
          at += gap;
          windows.note(at, sets((at / 1000) * rate));
        }
        for (const seconds of [60, 300]) {
          const window = windows.over(seconds, at, sets((at / 1000) * rate));
          expect(window.covers).toBeCloseTo(Math.min(seconds, at / 1000), 6);
          expect(window.perSecond.sets).toBeCloseTo(rate, 4);
        }
      }),
    );
  });

  it('slide: a burst leaves them when it is older than the window, within the distance of two readings', () => {
    const rateAt = (now: number): number => {
      const windows = new RateWindows(0);
      for (let at = 5000; at <= now; at += 5000) windows.note(at, sets(at >= 100_000 ? 600 : 0));
      return windows.over(60, now, sets(600)).perSecond.sets;
    };
    expect(rateAt(120_000)).toBe(10);
    expect(rateAt(154_000)).toBe(10);
    expect(rateAt(157_500)).toBeCloseTo(5, 6);
    expect(rateAt(161_000)).toBe(0);
  });

  it('keep no more readings than the longest window needs', () => {
    const windows = new RateWindows(0);
    for (let at = 5000; at <= 3_600_000; at += 5000) windows.note(at, sets(at));
    // Asked for an hour it can only tell of what it kept.
    expect(windows.over(3600, 3_600_000, sets(3_600_000)).covers).toBeLessThanOrEqual(310);
  });

  it('begin anew with the counts', () => {
    const windows = new RateWindows(0);
    windows.note(5000, sets(1000));
    windows.restart(6000);
    const window = windows.over(60, 8000, sets(4));
    expect(window).toMatchObject({ covers: 2 });
    expect(window.perSecond.sets).toBe(2);
  });

  it('have the ratios of their own reads, not of all', () => {
    const windows = new RateWindows(0);
    const cold = { ...zeros(), misses: 1000 };
    windows.note(5000, cold);
    windows.note(100_000, cold);
    const warm = { ...cold, hits: 75, redisErrors: 25 };
    expect(windows.over(60, 150_000, warm).ratios).toEqual({ hit: 0.75, miss: 0, error: 0.25 });
  });

  it('add up over processes', () => {
    const busy = new RateWindows(0).over(60, 10_000, { ...zeros(), hits: 90, misses: 10 });
    const fresh = new RateWindows(8000).over(60, 10_000, { ...zeros(), hits: 0, misses: 20 });
    const merged = mergeWindows([busy, fresh]);
    expect(merged).toMatchObject({ seconds: 60, covers: 10 });
    expect(merged.perSecond).toMatchObject({ hits: 9, misses: 11 });
    expect(merged.ratios).toEqual({ hit: 0.45, miss: 0.55, error: 0 });
  });
});
