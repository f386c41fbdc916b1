/** What is made of the counters, in one place: a tile and a chart of the same name show the same. */

import type { MetricsCounters } from '../src/metrics/snapshot.js';

/** Reads of keys that came to an answer of their own. */
export function readsOf({ hits, misses, redisErrors }: MetricsCounters): number {
  return hits + misses + redisErrors;
}

/** Undefined where nothing was read. */
export function hitRatio(counts: MetricsCounters): number | undefined {
  return fraction(counts.hits, readsOf(counts));
}

export function memoryHitRatio({ memoryHits, memoryMisses }: MetricsCounters): number | undefined {
  return fraction(memoryHits, memoryHits + memoryMisses);
}

export function redisHitRatio({ redisHits, redisMisses, redisErrors }: MetricsCounters): number | undefined {
  return fraction(redisHits, redisHits + redisMisses + redisErrors);
}

/** Answers that needed no load: found ones, and those of callers who shared another's, but for loads behind their backs. */
export function loadsSaved({ hits, coalesced, refreshes }: MetricsCounters): number {
  return Math.max(0, hits + coalesced - refreshes);
}

export function fraction(part: number, whole: number): number | undefined {
  return whole === 0 ? undefined : part / whole;
}
