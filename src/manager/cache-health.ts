import type { ClientHealth } from '../client/client-options.js';
import type { MemoryGauges } from '../metrics/snapshot.js';
import type { PreloadStatus } from '../preload/cache-preloader.js';
import type { WriteBacklog } from '../strategies/write-behind/write-queue.js';

/** How a cache is, part by part. Parts that it has not are undefined. */
export interface CacheHealth {
  /**
   * Whether every part is well: Redis answers, each server of it, and tells of changes where copies rely on that. A cache that is
   * not well still answers: `getOrSet` loads. What the database refuses, to write-behind or to a preload, is no ailment of the cache.
   */
  readonly healthy: boolean;
  /** Closed for good: it answers nothing any more. */
  readonly closed: boolean;
  /** Undefined for a cache without Redis. */
  readonly redis: ClientHealth | undefined;
  /** Undefined for a cache that keeps nothing in memory. */
  readonly memory: MemoryGauges | undefined;
  /** Undefined where nobody tells of changes, as was chosen. */
  readonly coherence: CoherenceHealth | undefined;
  readonly loads: LoadsHealth;
  /** Undefined for a cache without Redis. */
  readonly recovery: RecoveryHealth | undefined;
  /** What all write-behind queues of this process have before them; undefined where there is none, or Redis cannot say. */
  readonly writeBehind: WriteBacklog | undefined;
  /** What this process keeps loaded on a schedule; undefined where nothing is. */
  readonly preloads: PreloadsHealth | undefined;
}

/** How changes by others are heard of. */
export interface CoherenceHealth {
  /** Whether the server tells of them at the moment. If not, copies are served for `maxStaleWhenDisconnected` at most. */
  readonly armed: boolean;
}

export interface LoadsHealth {
  readonly running: number;
  /** For their turn, while Redis is away. */
  readonly waiting: number;
}

export interface RecoveryHealth {
  /** Invalidations that Redis could not be told yet. Until it is, their keys are not read from it here. */
  readonly pending: number;
}

export interface PreloadsHealth {
  /** All patterns, and those of them whose turn this process runs right now. */
  readonly patterns: number;
  readonly running: number;
  /**
   * Whose latest turn was run here, and failed. Entries live until the end of the turn after theirs, so that the first failure in a
   * row is not felt; from the second on they are loaded when somebody asks.
   */
  readonly failing: number;
  /** The latest of these failures; undefined where there is none. */
  readonly lastError: PreloadFailure | undefined;
}

export interface PreloadFailure {
  readonly pattern: string;
  /** When the turn ended, in milliseconds since the epoch. */
  readonly at: number;
  /** What the load threw, or why entries could not be stored. */
  readonly error: unknown;
}

/** @param patterns - of all preloaders. Undefined where there are none. */
export function preloadsHealth(patterns: readonly PreloadStatus[]): PreloadsHealth | undefined {
  if (patterns.length === 0) return undefined;
  const failing = patterns.filter((pattern) => pattern.failing);
  const [latest] = failing.toSorted((a, b) => (b.lastRunAt ?? 0) - (a.lastRunAt ?? 0));
  return {
    patterns: patterns.length,
    running: patterns.filter(({ state }) => state === 'running').length,
    failing: failing.length,
    lastError: latest && { pattern: latest.name, at: latest.lastRunAt ?? 0, error: latest.lastError },
  };
}
