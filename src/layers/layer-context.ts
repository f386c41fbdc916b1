import type { Watch, Watches } from '../coherence/watches.js';
import type { Barrier } from '../memory/isolation.js';
import type { NamespaceMetrics } from '../metrics/namespace-metrics.js';
import type { Observers } from '../metrics/observers.js';
import type { NamespaceRecovery } from './namespace-recovery.js';
import type { LoadGate } from './load-gate.js';
import type { Tier } from './shared-tier.js';
import type { TagTable } from './tag-table.js';

/** What a namespace has to work with. All but its counts is shared with the others of its cache. */
export interface LayerContext {
  readonly counts: NamespaceMetrics;
  readonly observers: Observers;
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
  /** Whether changes of all keys are told at the moment. */
  readonly armed: () => boolean;
  /** Whether anyone tells of changes in Redis. */
  readonly tellsChanges: boolean;
  /** Milliseconds that a copy may stay of whose changes nobody tells. */
  readonly unprovenLife: number;
}

/** One namespace's part in Redis. */
export interface RedisParts {
  readonly shared: Tier;
  readonly tags: TagTable;
  readonly recovery: NamespaceRecovery;
}
