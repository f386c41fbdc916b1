import type { Arena, Life } from './arena.js';
import { NONE } from './slot-queues.js';

/** The entries of an arena under keys of one's own: other regions may have the same keys. */
export class Region<V> {
  /** By number, so that equal keys of two regions are counted apart. */
  readonly id: number;
  /** For the arena, which alone changes it. */
  readonly index = new Map<string, number>();
  readonly #arena: Arena<V>;

  /** Made by `Arena.region`. */
  constructor(arena: Arena<V>, id: number) {
    this.#arena = arena;
    this.id = id;
  }

  get size(): number {
    return this.index.size;
  }

  /** The slot of an entry that is plain, or NONE. Counts as a use. Allocates nothing. */
  use(key: string): number {
    const slot = this.index.get(key);
    return slot === undefined ? NONE : this.#arena.use(slot);
  }

  /** The slot of an entry, plain or not, or NONE. Counts as no use. */
  find(key: string): number {
    const slot = this.index.get(key);
    return slot === undefined ? NONE : this.#arena.live(slot);
  }

  /** The same for one that may have expired, and is left alone. */
  slot(key: string): number {
    return this.index.get(key) ?? NONE;
  }

  /** @returns its slot, or NONE where it was refused. See `Arena.put`. */
  set(key: string, value: V, weight: number, life: Life): number {
    return this.#arena.put(this, key, value, weight, life);
  }

  /** @returns whether there was one. */
  delete(key: string): boolean {
    const slot = this.find(key);
    if (slot === NONE) return false;
    this.#arena.remove(slot);
    return true;
  }

  clear(): void {
    this.#arena.empty(this);
  }

  /** Without those that have expired. May be changed while it is walked. */
  *keys(): Generator<string, void, undefined> {
    for (const key of this.index.keys()) if (this.find(key) !== NONE) yield key;
  }
}
