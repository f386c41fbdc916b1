import type { ByReadOutcome, MetricsCounter, MetricsCounters } from './snapshot.js';

/** The counts that are kept; the others are sums of these. */
export type KeptCounter = Exclude<MetricsCounter, 'hits' | 'errors' | 'staleServes'>;

/** All counts, with those that are sums of others. A plain object with every property, so that code may walk over it. */
export function withSums(kept: Readonly<Record<KeptCounter, number>>): MetricsCounters {
  return capped({
    hits: kept.memoryHits + kept.redisHits,
    misses: kept.misses,
    errors:
      kept.redisErrors +
      kept.setErrors +
      kept.deleteErrors +
      kept.fillErrors +
      kept.otherErrors +
      kept.unreadable,
    memoryHits: kept.memoryHits,
    memoryMisses: kept.memoryMisses,
    redisHits: kept.redisHits,
    redisMisses: kept.redisMisses,
    redisErrors: kept.redisErrors,
    coalesced: kept.coalesced,
    staleServes: kept.staleWhileRevalidate + kept.staleIfError,
    staleWhileRevalidate: kept.staleWhileRevalidate,
    staleIfError: kept.staleIfError,
    loads: kept.loads,
    loadFailures: kept.loadFailures,
    loadTimeouts: kept.loadTimeouts,
    refreshes: kept.refreshes,
    leasesTaken: kept.leasesTaken,
    leaseWaits: kept.leaseWaits,
    leaseTakeovers: kept.leaseTakeovers,
    fills: kept.fills,
    fillsRefused: kept.fillsRefused,
    fillErrors: kept.fillErrors,
    sets: kept.sets,
    setErrors: kept.setErrors,
    deletes: kept.deletes,
    deleteErrors: kept.deleteErrors,
    tagInvalidations: kept.tagInvalidations,
    otherErrors: kept.otherErrors,
    getManyCalls: kept.getManyCalls,
    getOrSetManyCalls: kept.getOrSetManyCalls,
    setManyCalls: kept.setManyCalls,
    deleteManyCalls: kept.deleteManyCalls,
    invalidationsSent: kept.invalidationsSent,
    invalidationsReceived: kept.invalidationsReceived,
    invalidationsDeferred: kept.invalidationsDeferred,
    unreadable: kept.unreadable,
    backgroundErrors: kept.backgroundErrors,
  });
}

/** The names of all counts, in the order in which a snapshot has them. */
export const COUNTERS: readonly MetricsCounter[] = Object.freeze(
  Object.keys(withSums({} as Record<KeptCounter, number>)) as MetricsCounter[],
);

/** Counts of several namespaces or processes as one. */
export function addUp(counts: Iterable<MetricsCounters>): MetricsCounters {
  const sum = zeros();
  for (const some of counts) for (const name of COUNTERS) sum[name] += some[name];
  return capped(sum);
}

/** Fractions of all reads, together 1; all 0 without a read. */
export function ratiosOf(
  counts: Pick<MetricsCounters, 'hits' | 'misses' | 'redisErrors'>,
): ByReadOutcome<number> {
  const reads = counts.hits + counts.misses + counts.redisErrors;
  const fraction = (count: number): number => (reads === 0 ? 0 : count / reads);
  return {
    hit: fraction(counts.hits),
    miss: fraction(counts.misses),
    error: fraction(counts.redisErrors),
  };
}

export function zeros(): Record<MetricsCounter, number> {
  return Object.fromEntries(COUNTERS.map((name) => [name, 0])) as Record<MetricsCounter, number>;
}

/**
 * A count is a double. One that is raised by 1 stays at 2^53 by itself; sums would go on and lose their last digits. Both stop
 * at the last number up to which every count was exact, so that none ever goes back.
 */
function capped(counts: Record<MetricsCounter, number>): MetricsCounters {
  for (const name of Object.keys(counts) as MetricsCounter[]) {
    if (counts[name] > Number.MAX_SAFE_INTEGER) counts[name] = Number.MAX_SAFE_INTEGER;
  }
  return counts;
}
