import { bucketBounds, type HistogramSnapshot } from '../metrics/histogram.js';
import type { Labels, Sample } from './metric-family.js';

/**
 * A histogram in classic buckets, in seconds.
 *
 * @param bounds - upper bounds in milliseconds, ascending, each a power of two from 2^-14 to 2^30: these are bounds of our buckets
 *   too, so that the counts are exact.
 */
export function histogramSamples(
  { buckets, sum, count }: Pick<HistogramSnapshot, 'buckets' | 'sum' | 'count'>,
  bounds: readonly number[],
  labels: Labels,
): Sample[] {
  const samples: Sample[] = [];
  let below = 0;
  let next = 0;
  for (const bound of bounds) {
    while (next < buckets.length && bucketBounds(buckets[next] as number).to <= bound) {
      below += buckets[next + 1] as number;
      next += 2;
    }
    samples.push({ suffix: '_bucket', labels: { ...labels, le: String(bound / 1000) }, value: below });
  }
  return [
    ...samples,
    { suffix: '_bucket', labels: { ...labels, le: '+Inf' }, value: count },
    { suffix: '_sum', labels, value: sum / 1000 },
    { suffix: '_count', labels, value: count },
  ];
}

/** Powers of two: 2^from, and so on in steps of `step` up to 2^to. */
export function powersOfTwo(from: number, to: number, step = 1): number[] {
  const bounds: number[] = [];
  for (let exponent = from; exponent <= to; exponent += step) bounds.push(2 ** exponent);
  return bounds;
}
