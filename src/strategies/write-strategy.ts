import type { EntryPolicy } from '../layers/entry-policy.js';
import type { MultiLayerCache } from '../layers/multi-layer-cache.js';
import type { ResourceId } from './resource-id.js';

/** One change of one thing, as a resource hands it over. */
export interface Change<T> {
  /** What names the thing within its resource. */
  readonly id: ResourceId;
  /** What the cache knows it by. */
  readonly key: string;
  readonly value: T;
  readonly policy: EntryPolicy;
}

/** How a change comes to the database and to the cache. One small file each says what it guarantees. */
export interface WriteStrategy<T> {
  save(change: Change<T>): Promise<void>;
  remove(change: Omit<Change<T>, 'value' | 'policy'>): Promise<void>;
  /**
   * The newest value that was acknowledged and that the database may not have; its value is undefined where it was removed. Asked
   * before anything is loaded. Missing where there is no such thing.
   */
  pending?(id: ResourceId): Promise<{ readonly value: T | undefined } | undefined>;
}

/** The part of the layers that strategies need. */
export type WrittenLayers = Pick<MultiLayerCache, 'replace' | 'forget'>;

/** What a strategy writes to. */
export interface Sink<T> {
  readonly save: (id: ResourceId, value: T) => Promise<unknown>;
  readonly remove: (id: ResourceId) => Promise<unknown>;
}
