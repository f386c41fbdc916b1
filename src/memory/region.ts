import type { Arena } from './arena.js';
import { IndexSize } from './index-size.js';
import { countUse, NONE } from './slot-queues.js';

/** What a hit needs. The arena replaces it when it resizes its columns. */
export interface HotColumns<V> {
  /** Until when each may be used, at twice its slot. */
  readonly times: Float64Array;
  readonly words: Int32Array;
  readonly values: (V | undefined)[];
}

/** The entries of an arena under keys of one's own: other regions may have the same keys. */
export class Region<V> {
  /** By number, so that equal keys of two regions are counted apart. */
  readonly id: number;
  readonly #index = new Map<string, number>();
  readonly #indexSize = new IndexSize();
  readonly #arena: Arena<V>;
  readonly #clock: { now(): number };
  // Columns of the arena, at hand: a hit that asks for them takes a quarter longer.
  #times: Float64Array;
  #words: Int32Array;
  #values: (V | undefined)[];

  /** Made by `Arena.region`. */
  constructor(
    arena: Arena<V>,
    id: number,
    clock: { now(): number },
    { times, words, values }: HotColumns<V>,
  ) {
    this.#arena = arena;
    this.id = id;
    this.#clock = clock;
    this.#times = times;
    this.#words = words;
    this.#values = values;
  }

  get size(): number {
    return this.#index.size;
  }

  /** About how many bytes the index takes. */
  get indexBytes(): number {
    return this.#indexSize.bytes;
  }

  /** By how many bytes it grows with one key more. */
  get indexGrowth(): number {
    return this.#indexSize.growth;
  }

  // What follows is for the arena, which alone changes a region. What changes the size of the index returns by how much.

  adopt({ times, words, values }: HotColumns<V>): void {
    this.#times = times;
    this.#words = words;
    this.#values = values;
  }

  link(key: string, slot: number): number {
    this.#index.set(key, slot);
    return this.#indexSize.add();
  }

  /** The key's entry has another slot from here on. */
  relink(key: string, slot: number): void {
    this.#index.set(key, slot);
  }

  unlink(key: string): number {
    this.#index.delete(key);
    return this.#indexSize.remove();
  }

  unlinkAll(): number {
    this.#index.clear();
    return this.#indexSize.clear();
  }

  /** May be changed while it is walked. */
  slots(): IterableIterator<number> {
    return this.#index.values();
  }

  /** The slot of an entry that is plain, or NONE. Counts as a use. Allocates nothing. */
  use(key: string): number {
    const slot = this.#index.get(key);
    if (slot === undefined) return NONE;
    if (this.#clock.now() >= (this.#times[slot << 1] as number)) return this.#arena.late(slot);
    if (countUse(this.#words, slot)) this.#arena.followed(slot);
    return slot;
  }

  /** The value in a slot that `use` or `find` gave. */
  value(slot: number): V {
    return this.#values[slot] as V;
  }

  /** The slot of an entry, plain or not, or NONE. Counts as no use. */
  find(key: string): number {
    const slot = this.#index.get(key);
    return slot === undefined ? NONE : this.#arena.live(slot);
  }

  /** The same for one that may have expired, and is left alone. */
  slot(key: string): number {
    return this.#index.get(key) ?? NONE;
  }

  /**
   * @param size - bytes of the key and the value.
   * @param ttl - milliseconds to live.
   * @param plainFor - for how long of that `use` finds it. Default: all of it.
   * @returns its slot, or NONE where it was refused. See `Arena.put`.
   */
  set(key: string, value: V, size: number, ttl: number, plainFor = ttl): number {
    return this.#arena.put(this, key, value, size, ttl, plainFor);
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
    for (const key of this.#index.keys()) if (this.find(key) !== NONE) yield key;
  }
}
