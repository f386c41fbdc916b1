import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import {
  bucketBounds,
  Histogram,
  LONGEST_RECORDED,
  RELATIVE_ERROR,
  type HistogramSnapshot,
} from '../../../src/metrics/histogram.js';

/** The shortest duration the histogram tells from shorter ones. */
const SHORTEST = 2 ** -14;

const PERCENTILES = [0, 1, 25, 50, 90, 95, 99, 99.9, 99.99, 100];

function histogramOf(values: readonly number[]): Histogram {
  const histogram = new Histogram();
  for (const value of values) {
    histogram.record(value);
  }
  return histogram;
}

function exactPercentile(values: readonly number[], p: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const rank = Math.min(sorted.length, Math.max(1, Math.ceil((p * sorted.length) / 100 - 1e-9)));
  return sorted[rank - 1] ?? NaN;
}

function expectWithinError(estimate: number, exact: number): void {
  // The single precision in which the bucket is chosen may put a value on a bucket's edge into the next one.
  expect(Math.abs(estimate - exact)).toBeLessThanOrEqual(exact * (RELATIVE_ERROR + 1e-6));
}

/** Sums of the same numbers in another order differ in their last digits. */
function expectSame(one: HistogramSnapshot, other: HistogramSnapshot): void {
  const { mean, sum, ...rest } = one;
  const { mean: otherMean, sum: otherSum, ...otherRest } = other;
  expect(rest).toEqual(otherRest);
  expect(Math.abs(sum - otherSum)).toBeLessThanOrEqual(otherSum * 1e-12);
  expect(Math.abs(mean - otherMean)).toBeLessThanOrEqual(otherMean * 1e-12);
}

/** Spread evenly over the orders of magnitude, as no uniform distribution would be. */
const duration = fc
  .double({ min: -14, max: 30, noNaN: true })
  .map((exponent) => Math.min(2 ** exponent, LONGEST_RECORDED));

describe('Histogram', () => {
  it('states an error of at most 2 %', () => {
    expect(RELATIVE_ERROR).toBeLessThan(0.02);
  });

  it('is within the stated error of the exact percentiles', () => {
    fc.assert(
      fc.property(fc.array(duration, { minLength: 1, maxLength: 300 }), (values) => {
        const histogram = histogramOf(values);
        for (const p of PERCENTILES) {
          expectWithinError(histogram.percentile(p), exactPercentile(values, p));
        }
      }),
    );
  });

  it('is within the stated error at both edges of every bucket', () => {
    for (let value = SHORTEST; value < LONGEST_RECORDED; value *= 1 + 1 / 64) {
      const histogram = histogramOf([0, value, value, LONGEST_RECORDED]);
      expectWithinError(histogram.percentile(50), value);
    }
    for (let exponent = -14; exponent < 30; exponent++) {
      for (let part = 0; part < 32; part++) {
        const edge = 2 ** exponent * (1 + part / 32);
        expectWithinError(histogramOf([0, edge, edge, LONGEST_RECORDED]).percentile(50), edge);
        const below = edge * (1 - 1e-9);
        expectWithinError(histogramOf([0, below, below, LONGEST_RECORDED]).percentile(50), below);
      }
    }
  });

  it('keeps count, minimum, maximum and mean exactly', () => {
    const histogram = histogramOf([3, 1, 2.5, 1.5]);
    expect(histogram.count).toBe(4);
    expect(histogram.min).toBe(1);
    expect(histogram.max).toBe(3);
    expect(histogram.mean).toBe(2);
  });

  it('answers one value exactly at every percentile', () => {
    const histogram = histogramOf([0.123]);
    for (const p of PERCENTILES) {
      expect(histogram.percentile(p)).toBe(0.123);
    }
  });

  it('never answers more than the maximum or less than the minimum', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ noNaN: true }), { minLength: 1 }), (values) => {
        const histogram = histogramOf(values);
        for (const p of [-5, ...PERCENTILES, 500]) {
          expect(histogram.percentile(p)).toBeGreaterThanOrEqual(histogram.min);
          expect(histogram.percentile(p)).toBeLessThanOrEqual(histogram.max);
        }
      }),
    );
  });

  it('asks for rank 999 of 1000 at 99.9 %, not for the maximum', () => {
    const histogram = histogramOf([...Array.from({ length: 999 }, () => 1), 1000]);
    expectWithinError(histogram.percentile(99.9), 1);
    expect(histogram.percentile(99.91)).toBe(1000);
  });

  it('is all zeros while nothing was recorded', () => {
    expect(new Histogram().snapshot()).toEqual({
      count: 0,
      sum: 0,
      mean: 0,
      min: 0,
      max: 0,
      p50: 0,
      p95: 0,
      p99: 0,
      p999: 0,
      buckets: [],
    });
  });

  it('ignores NaN', () => {
    expect(histogramOf([NaN, 5]).snapshot()).toEqual(histogramOf([5]).snapshot());
  });

  it('counts negative durations as 0, and too long ones as the longest', () => {
    const histogram = histogramOf([-1, -Infinity, -0]);
    expect(histogram.snapshot()).toMatchObject({ count: 3, min: 0, max: 0, mean: 0, p50: 0 });
    histogram.record(Infinity);
    histogram.record(1e300);
    expect(histogram.count).toBe(5);
    expect(histogram.max).toBe(LONGEST_RECORDED);
    expect(histogram.percentile(99)).toBe(LONGEST_RECORDED);
  });

  it('keeps durations below its resolution apart from longer ones', () => {
    const histogram = histogramOf([Number.MIN_VALUE, 1e-9, 1e-6, 1e-5, 1, 1]);
    expect(histogram.count).toBe(6);
    expect(histogram.percentile(50)).toBeLessThan(SHORTEST);
    expectWithinError(histogram.percentile(75), 1);
  });

  it('merges to what one histogram of all values would be', () => {
    fc.assert(
      fc.property(fc.array(duration), fc.array(duration), (first, second) => {
        const merged = histogramOf(first);
        const other = histogramOf(second);
        const untouched = other.snapshot();
        merged.merge(other);
        expectSame(merged.snapshot(), histogramOf([...first, ...second]).snapshot());
        expect(other.snapshot()).toEqual(untouched);
      }),
    );
  });

  it('comes back from its snapshots, through JSON, as if it had counted all of it', () => {
    fc.assert(
      fc.property(fc.array(fc.array(duration)), (processes) => {
        const snapshots = processes.map(
          (values) => JSON.parse(JSON.stringify(histogramOf(values).snapshot())) as HistogramSnapshot,
        );
        expectSame(Histogram.ofSnapshots(snapshots).snapshot(), histogramOf(processes.flat()).snapshot());
      }),
    );
  });

  it('says what each bucket of a snapshot holds', () => {
    fc.assert(
      fc.property(duration, (value) => {
        const [bucket = -1, count] = histogramOf([value]).snapshot().buckets;
        expect(count).toBe(1);
        const { from, to } = bucketBounds(bucket);
        expect(value).toBeGreaterThanOrEqual(from * (1 - 1e-6));
        expect(value).toBeLessThanOrEqual(to);
      }),
    );
    expect(() => bucketBounds(-1)).toThrow(RangeError);
    expect(() => bucketBounds(1e6)).toThrow(RangeError);
  });

  it('has every power of two as a bound of its buckets', () => {
    const bounds = new Set<number>();
    const [last = 0] = histogramOf([LONGEST_RECORDED]).snapshot().buckets;
    for (let bucket = 0; bucket <= last; bucket++) bounds.add(bucketBounds(bucket).from);
    for (let exponent = -14; exponent <= 30; exponent++) expect(bounds).toContain(2 ** exponent);
  });

  it('merges with itself', () => {
    const histogram = histogramOf([1, 2]);
    histogram.merge(histogram);
    expect(histogram.snapshot()).toMatchObject({ count: 4, mean: 1.5, min: 1, max: 2 });
  });

  it('forgets everything on reset', () => {
    const histogram = histogramOf([1, 2, 3]);
    histogram.reset();
    expect(histogram.snapshot()).toEqual(new Histogram().snapshot());
  });

  it('gives a snapshot that survives JSON', () => {
    const snapshot = histogramOf([0.5, Infinity, -1]).snapshot();
    expect(JSON.parse(JSON.stringify(snapshot))).toEqual(snapshot);
  });
});
