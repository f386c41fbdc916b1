import { turnClock } from '../runtime/turn-clock.js';

/** Why a value left, or did not get in. */
export type RemovalReason =
  /** The bytes or entries allowed were used up, and it was the one not used for longest. */
  | 'capacity'
  /** Its time to live was over. */
  | 'expired'
  /** Another value was set under its key. */
  | 'replaced'
  /** It was larger than the whole map, so it was not kept. */
  | 'rejected'
  /** `delete`. */
  | 'deleted'
  /** `clear`. */
  | 'cleared';

/** How many values left for each reason, since the map was made. */
export type RemovalCounts = { [Reason in RemovalReason]: number };

export type RemovalListener<V> = (key: string, value: V, reason: RemovalReason) => void;

export interface LruMapOptions<V> {
  /** The sum of the bytes of all entries is never above this. */
  readonly maxBytes: number;
  /** Default: no limit of its own. */
  readonly maxEntries?: number | undefined;
  /** Milliseconds from any start. Default: a monotonic clock, read once a turn of the event loop. */
  readonly now?: (() => number) | undefined;
  /** Called when the operation that removed is done. */
  readonly onRemove?: RemovalListener<V> | undefined;
}

interface Node<V> {
  readonly key: string;
  readonly value: V;
  readonly bytes: number;
  expiresAt: number;
  newer: Node<V> | undefined;
  older: Node<V> | undefined;
}

/**
 * A map from strings to records, bounded by bytes, that lets go of what was not used for longest.
 *
 * The index gives a key its node; the nodes are a list from the newest use to the oldest. An expired record is removed when it
 * is come across, and each write looks at the two oldest for such, so that a quiet map gives its bytes back little by little.
 */
export class LruMap<V> {
  readonly #index = new Map<string, Node<V>>();
  readonly #maxBytes: number;
  readonly #maxEntries: number;
  readonly #now: () => number;
  readonly #onRemove: RemovalListener<V> | undefined;
  readonly #removals: RemovalCounts = {
    capacity: 0,
    expired: 0,
    replaced: 0,
    rejected: 0,
    deleted: 0,
    cleared: 0,
  };
  #newest: Node<V> | undefined;
  #oldest: Node<V> | undefined;
  #bytes = 0;

  constructor(options: LruMapOptions<V>) {
    this.#maxBytes = options.maxBytes;
    this.#maxEntries = options.maxEntries ?? Infinity;
    this.#now = options.now ?? (() => turnClock.now());
    this.#onRemove = options.onRemove;
  }

  /** Entries held; those that expired and were not come across yet are among them. */
  get size(): number {
    return this.#index.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** A copy. */
  get removals(): RemovalCounts {
    return { ...this.#removals };
  }

  /** The record, or undefined. Counts as a use. Allocates nothing. */
  get(key: string): V | undefined {
    const node = this.#live(key);
    if (node === undefined) return undefined;
    if (node !== this.#newest) {
      this.#unlink(node);
      this.#link(node);
    }
    return node.value;
  }

  /** The same without counting as a use. */
  peek(key: string): V | undefined {
    return this.#live(key)?.value;
  }

  has(key: string): boolean {
    return this.#live(key) !== undefined;
  }

  /** Milliseconds left to live; undefined for no record. */
  ttl(key: string): number | undefined {
    const node = this.#live(key);
    return node && node.expiresAt - this.#now();
  }

  /**
   * @param bytes - what the entry weighs altogether.
   * @param ttl - milliseconds to live; 0 or less stores nothing and removes what was there.
   * @returns whether the record is in the map now. When not, the one that was there is gone all the same.
   */
  set(key: string, value: V, bytes: number, ttl = Infinity): boolean {
    const standing = this.#index.get(key);
    if (standing) this.#remove(standing, 'replaced');
    this.#sweep();
    if (bytes > this.#maxBytes || !(ttl > 0)) {
      const reason = ttl > 0 ? 'rejected' : 'expired';
      this.#removals[reason]++;
      this.#onRemove?.(key, value, reason);
      return false;
    }
    while (this.#oldest && (this.#bytes + bytes > this.#maxBytes || this.#index.size >= this.#maxEntries)) {
      this.#remove(this.#oldest, 'capacity');
    }
    const expiresAt = ttl === Infinity ? Infinity : this.#now() + ttl;
    const node: Node<V> = { key, value, bytes, expiresAt, newer: undefined, older: undefined };
    this.#index.set(key, node);
    this.#bytes += bytes;
    this.#link(node);
    return true;
  }

  /** Gives a record another time to live from now on. @returns whether there is one. */
  expire(key: string, ttl: number): boolean {
    const node = this.#live(key);
    if (node) node.expiresAt = ttl === Infinity ? Infinity : this.#now() + ttl;
    return node !== undefined;
  }

  delete(key: string): boolean {
    const node = this.#live(key);
    if (node) this.#remove(node, 'deleted');
    return node !== undefined;
  }

  clear(): void {
    const nodes = this.#onRemove ? [...this.#index.values()] : [];
    this.#removals.cleared += this.#index.size;
    this.#index.clear();
    this.#newest = this.#oldest = undefined;
    this.#bytes = 0;
    for (const { key, value } of nodes) this.#onRemove?.(key, value, 'cleared');
  }

  /** Removes all that has expired. @returns how many. */
  prune(): number {
    const before = this.#removals.expired;
    for (const key of this.#index.keys()) this.#live(key);
    return this.#removals.expired - before;
  }

  *keys(): Generator<string, void, undefined> {
    for (const key of this.#index.keys()) if (this.has(key)) yield key;
  }

  #live(key: string): Node<V> | undefined {
    const node = this.#index.get(key);
    if (node === undefined || node.expiresAt === Infinity || this.#now() < node.expiresAt) return node;
    this.#remove(node, 'expired');
    return undefined;
  }

  #sweep(): void {
    for (let looked = 0; looked < 2 && this.#oldest; looked++) {
      const { expiresAt } = this.#oldest;
      if (expiresAt === Infinity || this.#now() < expiresAt) return;
      this.#remove(this.#oldest, 'expired');
    }
  }

  #remove(node: Node<V>, reason: RemovalReason): void {
    this.#unlink(node);
    this.#index.delete(node.key);
    this.#bytes -= node.bytes;
    this.#removals[reason]++;
    this.#onRemove?.(node.key, node.value, reason);
  }

  #link(node: Node<V>): void {
    node.newer = undefined;
    node.older = this.#newest;
    if (this.#newest) this.#newest.newer = node;
    else this.#oldest = node;
    this.#newest = node;
  }

  #unlink(node: Node<V>): void {
    if (node.newer) node.newer.older = node.older;
    else this.#newest = node.older;
    if (node.older) node.older.newer = node.newer;
    else this.#oldest = node.newer;
  }
}
