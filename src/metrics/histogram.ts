/**
 * A log-linear histogram of durations, always on, at a few nanoseconds a record.
 *
 * Structure. Each power of two is cut into 32 buckets of equal width, as HdrHistogram does (Gil Tene). Which
 * bucket a value belongs to is read off the value itself: in an IEEE 754 single the exponent and the upper five
 * bits of the fraction, taken together as an integer, number exactly these buckets in order. So a record is one
 * store and one load through two views of the same four bytes, a shift and an increment; no logarithm, no
 * search, nothing allocated.
 *
 * Error. A bucket is at most 1/32 of its lower bound wide and is reported by its middle, so a percentile is within
 * 1/64 (1.6 %) of the value that has that rank. From 61 ns (2^-14 ms) to 12 days (2^30 ms, for ages of entries); values
 * below share one bucket, values above count as 12 days. Minimum, maximum and mean are exact within that range.
 *
 * Invariants. Counts are doubles: a 32-bit count would wrap around within hours on a busy hit path. The number
 * of values is not kept but summed from the buckets when asked for. Buckets are the same in every process, so histograms
 * add up; a snapshot carries those that are not empty.
 */

const SUB_BUCKET_BITS = 5;
const SUB_BUCKETS = 1 << SUB_BUCKET_BITS;
const LOWEST_EXPONENT = -14;
const HIGHEST_EXPONENT = 30;
const SINGLE_FRACTION_BITS = 23;
const SINGLE_EXPONENT_BIAS = 127;

/** The longest duration told apart, in milliseconds: about 12 days. */
export const LONGEST_RECORDED = 2 ** HIGHEST_EXPONENT;

/** The largest relative error of a percentile, for values from 61 ns to 12 days. */
export const RELATIVE_ERROR = 1 / (2 * SUB_BUCKETS);

const SHIFT = SINGLE_FRACTION_BITS - SUB_BUCKET_BITS;
/** What is subtracted so that bucket 1 begins at 2^-14; bucket 0 is all that is below. */
const OFFSET = ((SINGLE_EXPONENT_BIAS + LOWEST_EXPONENT) << SUB_BUCKET_BITS) - 1;
const BUCKETS = (HIGHEST_EXPONENT - LOWEST_EXPONENT) * SUB_BUCKETS + 2;

const asSingle = new Float32Array(1);
const asBits = new Int32Array(asSingle.buffer);

/** Plain JSON; all but `count` and `buckets` in milliseconds, and 0 while nothing was recorded. */
export interface HistogramSnapshot {
  readonly count: number;
  readonly sum: number;
  readonly mean: number;
  readonly min: number;
  readonly max: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly p999: number;
  /**
   * Pairs of a bucket's number and what it counted, ascending, without empty buckets: `[3, 10, 7, 1]` is ten values in bucket 3
   * and one in bucket 7. `bucketBounds` tells what a bucket holds. With this, snapshots of several processes add up exactly.
   */
  readonly buckets: readonly number[];
}

/**
 * The durations that a bucket of a snapshot holds: from `from`, included, to `to`, not included, in milliseconds. Every power of
 * two from 2^-14 to 2^30 is a bound; the last bucket ends at Infinity.
 *
 * @throws RangeError for a number that is no bucket's.
 */
export function bucketBounds(bucket: number): { readonly from: number; readonly to: number } {
  if (!Number.isInteger(bucket) || bucket < 0 || bucket >= BUCKETS) {
    throw new RangeError(`expected a bucket from 0 to ${BUCKETS - 1}, got ${bucket}`);
  }
  return { from: lowerBoundOf(bucket), to: bucket === BUCKETS - 1 ? Infinity : lowerBoundOf(bucket + 1) };
}

/** Counts durations; see the head of the file for range and error. Takes about 11 KiB. */
export class Histogram {
  readonly #counts = new Float64Array(BUCKETS);
  #sum = 0;
  #min = Infinity;
  #max = 0;

  /** One that has counted what the snapshots have, all of them. */
  static ofSnapshots(snapshots: readonly HistogramSnapshot[]): Histogram {
    const histogram = new Histogram();
    for (const { count, buckets, sum, min, max } of snapshots) {
      if (count === 0) continue;
      for (let i = 0; i + 1 < buckets.length; i += 2) {
        const bucket = buckets[i] as number;
        histogram.#counts[bucket] = (histogram.#counts[bucket] ?? 0) + (buckets[i + 1] as number);
      }
      histogram.#sum += sum;
      histogram.#min = Math.min(histogram.#min, min);
      histogram.#max = Math.max(histogram.#max, max);
    }
    return histogram;
  }

  /**
   * Never throws. A negative duration (a clock that went back) counts as 0; NaN is ignored, since it would make
   * the mean NaN for good.
   *
   * @param milliseconds With fractions.
   */
  record(milliseconds: number): void {
    let value = milliseconds;
    if (!(value >= 0 && value <= LONGEST_RECORDED)) {
      if (Number.isNaN(value)) {
        return;
      }
      value = value < 0 ? 0 : LONGEST_RECORDED;
    }
    asSingle[0] = value;
    const bucket = ((asBits[0] ?? 0) >> SHIFT) - OFFSET;
    // Below the range, and for -0, whose sign bit makes the integer negative.
    const index = bucket > 0 ? bucket : 0;
    this.#counts[index] = (this.#counts[index] ?? 0) + 1;
    this.#sum += value;
    if (value < this.#min) {
      this.#min = value;
    }
    if (value > this.#max) {
      this.#max = value;
    }
  }

  /** How many values were recorded. */
  get count(): number {
    let count = 0;
    for (const inBucket of this.#counts) {
      count += inBucket;
    }
    return count;
  }

  /** In milliseconds; 0 while nothing was recorded. */
  get min(): number {
    // The addition turns -0 into 0.
    return this.#min === Infinity ? 0 : this.#min + 0;
  }

  /** In milliseconds; 0 while nothing was recorded. */
  get max(): number {
    return this.#max;
  }

  /** In milliseconds; 0 while nothing was recorded. */
  get mean(): number {
    const count = this.count;
    return count === 0 ? 0 : this.#sum / count;
  }

  /**
   * The duration in milliseconds that `p` per cent of the values do not exceed (nearest rank), within
   * {@link RELATIVE_ERROR}; 0 while nothing was recorded.
   *
   * @param p From 0, the minimum, to 100, the maximum; values outside count as these.
   */
  percentile(p: number): number {
    return this.#valueAt(p, this.count);
  }

  /** Adds what the other one has counted; the other one stays as it is. */
  merge(other: Histogram): void {
    for (let index = 0; index < BUCKETS; index++) {
      this.#counts[index] = (this.#counts[index] ?? 0) + (other.#counts[index] ?? 0);
    }
    this.#sum += other.#sum;
    this.#min = Math.min(this.#min, other.#min);
    this.#max = Math.max(this.#max, other.#max);
  }

  /** Forgets everything. */
  reset(): void {
    this.#counts.fill(0);
    this.#sum = 0;
    this.#min = Infinity;
    this.#max = 0;
  }

  snapshot(): HistogramSnapshot {
    const count = this.count;
    return {
      count,
      sum: this.#sum,
      mean: count === 0 ? 0 : this.#sum / count,
      min: this.min,
      max: this.max,
      p50: this.#valueAt(50, count),
      p95: this.#valueAt(95, count),
      p99: this.#valueAt(99, count),
      p999: this.#valueAt(99.9, count),
      buckets: this.#filled(),
    };
  }

  #filled(): number[] {
    const pairs: number[] = [];
    for (const [bucket, count] of this.#counts.entries()) if (count > 0) pairs.push(bucket, count);
    return pairs;
  }

  #valueAt(p: number, count: number): number {
    if (count === 0 || p >= 100) {
      return this.#max;
    }
    // 99.9 % of 1000 is 999.0000000000001 in doubles: without the slack it would ask for the maximum.
    const rank = Math.max(1, Math.ceil((p * count) / 100 - 1e-9));
    if (rank === 1) {
      return this.min;
    }
    let seen = 0;
    for (let index = 0; index < BUCKETS; index++) {
      seen += this.#counts[index] ?? 0;
      if (seen >= rank) {
        return Math.min(Math.max(middleOf(index), this.#min), this.#max);
      }
    }
    return this.#max;
  }
}

function middleOf(index: number): number {
  return (lowerBoundOf(index) + lowerBoundOf(index + 1)) / 2;
}

function lowerBoundOf(index: number): number {
  if (index === 0) {
    return 0;
  }
  const octave = (index - 1) >> SUB_BUCKET_BITS;
  const subBucket = (index - 1) & (SUB_BUCKETS - 1);
  return 2 ** (LOWEST_EXPONENT + octave) * (1 + subBucket / SUB_BUCKETS);
}
