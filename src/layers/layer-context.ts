import type { Watch, Watches } from '../coherence/watches.js';
import type { Barrier } from '../memory/isolation.js';
import type { CacheMetrics } from '../metrics/cache-metrics.js';
import type { NamespaceRecovery } from './namespace-recovery.js';
import type { LoadGate } from './load-gate.js';
import type { Tier } from './shared-tier.js';
import type { TagTable } from './tag-table.js';

/** Where an answer came from. */
export type Layer = 'memory' | 'redis' | 'load';

/** One answer, as those who listen are told of it. */
export interface ReadEvent {
  /** As the caller gave it. */
  readonly key: string;
  readonly layer: Layer;
  /** Past its `ttl`. */
  readonly stale: boolean;
  /** Milliseconds since the load of the value began; 0 for one just loaded. */
  readonly age: number;
}

/** What the namespaces of one cache share. */
export interface LayerContext {
  readonly metrics: CacheMetrics;
  readonly watches: Watches;
  readonly gate: LoadGate;
  readonly barrier: Barrier;
  /** Takes the failures that no caller is told of. */
  readonly onBackgroundError: (error: unknown, operation: string, key: string) => void;
  /** Counts the connections there were: what was learned before the last one proves nothing. */
  readonly epoch: () => number;
  /**
   * Whether what was read or stored under the watch may be kept: as far as anyone tells nobody changed it since, and changes
   * are told at the moment, to this watch too. Where nobody is to tell, only what this process does counts.
   */
  readonly proves: (watch: Watch) => boolean;
  /** Whether anyone tells of changes in Redis. */
  readonly tellsChanges: boolean;
  /** Milliseconds that a copy may stay of whose changes nobody tells. */
  readonly unprovenLife: number;
  /** Whoever listens to reads. */
  onRead: ((event: ReadEvent) => void) | undefined;
}

/** One namespace's part in Redis. */
export interface RedisParts {
  readonly shared: Tier;
  readonly tags: TagTable;
  readonly recovery: NamespaceRecovery;
}
