import type { Arena } from '../memory/arena.js';
import type { Region } from '../memory/region.js';
import { sizeOfString } from '../memory/size-of.js';
import { NONE } from '../memory/slot-queues.js';
import type { CopyFields } from './copy-fields.js';
import type { Aging } from './freshness.js';

/** What is known of a value that is to be kept. */
export interface Kept extends Aging {
  readonly value: unknown;
  readonly tags: readonly string[];
}

/** One namespace's copies in the memory that all of a cache share; see `CopyMemory`. */
export class MemoryTier {
  readonly #arena: Arena<unknown>;
  readonly #fields: CopyFields;
  readonly #region: Region<unknown>;

  constructor(arena: Arena<unknown>, fields: CopyFields) {
    this.#arena = arena;
    this.#fields = fields;
    this.#region = arena.region();
  }

  /** The slot of the copy if it may be served with no further look, or NONE. Good until the next write. Nothing is allocated. */
  plain(key: string): number {
    return this.#region.use(key);
  }

  value(slot: number): unknown {
    return this.#region.value(slot);
  }

  tags(slot: number): readonly string[] | undefined {
    return this.#fields.tags(slot);
  }

  createdAt(slot: number): number {
    return this.#fields.createdAt(slot);
  }

  /** The copy, stale or not, as long as it may be used at all. */
  any(key: string): Kept | undefined {
    const slot = this.#region.find(key);
    return slot === NONE ? undefined : this.#fields.get(slot, this.value(slot));
  }

  /**
   * @param left - how long the copy may stay, in milliseconds.
   * @param plainFor - for how long of that it is served with no further look.
   * @param size - bytes of the value.
   */
  put(key: string, kept: Kept, left: number, plainFor: number, size: number): void {
    const slot = this.#region.set(key, kept.value, size + sizeOfString(key), left, plainFor);
    if (slot !== NONE) this.#fields.set(slot, kept);
  }

  /** From here on the copy is served with no further look for this long, if it stays so long. */
  setPlain(key: string, plainFor: number): void {
    const slot = this.#region.find(key);
    if (slot !== NONE) this.#arena.setLife(slot, this.#arena.left(slot), plainFor);
  }

  delete(key: string): boolean {
    return this.#region.delete(key);
  }

  /** @param concerned - which keys; all if left out. */
  clear(concerned?: (key: string) => boolean): void {
    if (!concerned) this.#region.clear();
    else for (const key of this.#region.keys()) if (concerned(key)) this.#region.delete(key);
  }
}
