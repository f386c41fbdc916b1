import { bucketBounds } from '../src/metrics/histogram.js';
import type { LatencySnapshot, MetricsCounters, MetricsSnapshot } from '../src/metrics/snapshot.js';

/** Seconds that the charts show. */
export const SPAN = 300;

/** Percentiles of one kind of operation within one second, in milliseconds; all missing where nothing was timed. */
interface Percentiles {
  readonly p50: number | undefined;
  readonly p95: number | undefined;
  readonly p99: number | undefined;
}

/** What happened between two snapshots. */
export interface Moment {
  /** Seconds since the epoch. */
  readonly at: number;
  /** Each counter per second. */
  readonly rates: MetricsCounters;
  /** By `kindOf`. */
  readonly latency: ReadonlyMap<string, Percentiles>;
}

/** The last minutes, as far as this page has seen them. */
export type History = readonly Moment[];

export function kindOf({ layer, operation, outcome }: LatencySnapshot): string {
  return `${layer} ${operation} ${outcome}`;
}

/** What the later snapshot adds; undefined where counting began anew in between, or no time has passed. */
export function momentBetween(before: MetricsSnapshot, after: MetricsSnapshot): Moment | undefined {
  const seconds = (after.at - before.at) / 1000;
  if (seconds <= 0 || after.since !== before.since) return undefined;
  const rates = Object.fromEntries(
    Object.entries(after.counters).map(([name, count]) => [
      name,
      Math.max(0, count - before.counters[name as keyof MetricsCounters]) / seconds,
    ]),
  ) as unknown as MetricsCounters;
  const earlier = new Map(before.latency.map((kind) => [kindOf(kind), kind.buckets]));
  const latency = new Map(
    after.latency.map((kind) => [
      kindOf(kind),
      percentilesOf(difference(earlier.get(kindOf(kind)) ?? [], kind.buckets)),
    ]),
  );
  return { at: after.at / 1000, rates, latency };
}

export function remember(history: History, moment: Moment): History {
  const from = moment.at - SPAN;
  return [...history.filter(({ at }) => at >= from), moment];
}

/** Buckets and counts in pairs, as snapshots have them. */
function difference(
  before: readonly number[],
  after: readonly number[],
): Array<[bucket: number, count: number]> {
  const counted = new Map<number, number>();
  for (let i = 0; i < before.length; i += 2) counted.set(before[i] as number, before[i + 1] as number);
  const added: Array<[number, number]> = [];
  for (let i = 0; i < after.length; i += 2) {
    const bucket = after[i] as number;
    const count = (after[i + 1] as number) - (counted.get(bucket) ?? 0);
    if (count > 0) added.push([bucket, count]);
  }
  return added;
}

function percentilesOf(buckets: ReadonlyArray<readonly [bucket: number, count: number]>): Percentiles {
  const total = buckets.reduce((sum, [, count]) => sum + count, 0);
  const at = (fraction: number): number | undefined => {
    let left = Math.ceil(total * fraction);
    for (const [bucket, count] of buckets) {
      left -= count;
      if (left > 0) continue;
      const { from, to } = bucketBounds(bucket);
      return Number.isFinite(to) ? (from + to) / 2 : from;
    }
    return undefined;
  };
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99) };
}
