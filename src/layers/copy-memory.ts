import { Arena } from '../memory/arena.js';
import { ENTRY_OVERHEAD } from '../memory/memory-store.js';
import type { RemovalCounts } from '../memory/removal.js';
import { turnClock } from '../runtime/turn-clock.js';
import { CopyFields } from './copy-fields.js';
import { MemoryTier } from './memory-tier.js';

/** What the fields of a copy take, see `CopyFields`. */
const FIELDS = 24;

/** The memory that all namespaces of a cache share. */
export class CopyMemory {
  readonly #arena: Arena<unknown>;
  readonly #fields = new CopyFields();
  /** The most that all copies may take. */
  readonly maxBytes: number;

  /** @param maxEntries - undefined for as many as the bytes allow. */
  constructor(maxBytes: number, maxEntries: number | undefined) {
    this.maxBytes = maxBytes;
    this.#arena = new Arena({ maxBytes, maxEntries, overhead: ENTRY_OVERHEAD + FIELDS, clock: turnClock });
    this.#arena.addColumns(this.#fields);
  }

  get size(): number {
    return this.#arena.size;
  }

  get bytes(): number {
    return this.#arena.bytes;
  }

  /** A copy. */
  get removals(): RemovalCounts {
    return this.#arena.removals;
  }

  /** The part of one more namespace. */
  tier(): MemoryTier {
    return new MemoryTier(this.#arena, this.#fields);
  }

  clear(): void {
    this.#arena.clear();
  }
}
