import type { ClientHealth } from '../client/client-options.js';
import type { MemoryGauges } from '../metrics/snapshot.js';
import type { WriteBacklog } from '../strategies/write-behind/write-queue.js';

/** How a cache is, part by part. Parts that it has not are undefined. */
export interface CacheHealth {
  /**
   * Whether every part is well: Redis answers, each server of it, and tells of changes where copies rely on that. A cache that is
   * not well still answers: `getOrSet` loads.
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
