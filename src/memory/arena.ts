/**
 * The memory of the process: one arena of slots, bounded by bytes, that all namespaces share.
 *
 * THE STRUCTURE. An entry is a number, its slot, and everything known of it stands in columns: typed arrays and two plain ones,
 * for keys and values. A region (region.ts) has an index from keys to slots; there is one for each namespace. So an entry costs
 * no objects, and a hit is one look into a Map, one comparison of times, and one byte written. Nothing is moved: the order of
 * leaving is found out when somebody has to leave, from what the bytes say.
 *
 * WHO LEAVES (slot-queues.ts). Newcomers enter a window, and what leaves the window may go on to the main queue. Both are FIFO
 * with a second chance (the clock of Corbato, 1968; that FIFO does as well as LRU when entries are looked at again before they
 * leave is shown in J. Yang et al., "FIFO queues are all you need for cache eviction", SOSP 2023). Once the main queue is full,
 * a newcomer stays only if it was used more often than those who would leave for it: TinyLFU (G. Einziger, R. Friedman,
 * B. Manes, ACM ToS 2017), and, since entries have sizes, against all of them together (the same with O. Eytan and H. Manor,
 * "Lightweight Robust Size Aware Cache Management", 2021). Entries carry their own counts, four bits that a hit increments; the
 * sketch (frequency-sketch.ts) remembers only who has left, whether evicted, expired or deleted, so that a hot key that was
 * invalidated and loaded again is no newcomer. The newcomer's last use is not counted for it: otherwise a loop that is larger
 * than the memory, whose members all have the same count, would replace everyone by everyone, and nobody would ever be hit.
 *
 * HOW LARGE THE WINDOW IS (rehearsal.ts). No size suits everything: a window of 1 % keeps a hot set through scans and loops, and
 * does badly when what was asked for lately is what will be asked for next; a window that is all of it is as good as LRU, which
 * is best there, and useless in a loop. So each of three sizes is played through on a small sample of keys, and the arena takes
 * the one that had most hits. It begins with the whole, which is LRU but for the second chance, and pays for none of this
 * before the first eviction: a memory that never fills up has no sketch and no rehearsal.
 *
 * LARGE VALUES. One that is larger than the window and would push out many has to win against them at the door, or is not kept.
 *
 * EXPIRY. No timers. What has expired is never returned; it is removed when it is come across, when it would have to leave
 * anyway, and by a hand that looks at 64 slots with every 32nd write, and so at all of them in half as many writes as there are.
 *
 * INVARIANTS.
 * 1. `bytes` is the sum of the weights of what is held and never above `maxBytes`, nor `size` above `maxEntries`, when a call
 *    returns and when a listener runs: room is made before an entry is put in.
 * 2. A slot is in exactly one queue and in exactly one index, or it is free: then its key and value are undefined.
 * 3. Whatever leaves is counted once, under one reason, and told once, after the operation is done.
 * 4. Slots are renumbered by `put` and `clear` only. A slot is good until the next call of either, and never across an await.
 */
import { hashKey } from './key-hash.js';
import { Region, type HotColumns } from './region.js';
import { Rehearsal } from './rehearsal.js';
import { Removals, type RemovalCounts, type RemovalListener, type RemovalReason } from './removal.js';
import { resized, resizedNumbers } from './slot-column.js';
import { MOST_WEIGHT, NONE, QUEUE_SLOT, SlotQueues, type Bounds } from './slot-queues.js';

export interface ArenaOptions<V> {
  readonly maxBytes: number;
  /** What every entry is said to take beyond its key and value. */
  readonly overhead: number;
  /** Default: no limit of its own. */
  readonly maxEntries?: number | undefined;
  /** Milliseconds from any start. */
  readonly clock: { now(): number };
  readonly onRemove?: RemovalListener<V> | undefined;
}

/** Whoever keeps more of each entry, by slot. */
export interface SlotColumns {
  /** What a slot takes, used or not. */
  readonly slotBytes: number;
  /** @param order - for each of the first slots the old one whose values it takes; left out: the same. */
  resize(slots: number, order?: Int32Array): void;
}

/** So many writes go between two looks at what has expired, and at what the bookkeeping takes. */
const PAUSE = 32;
/** Slots looked at then. */
const SWEPT = 2 * PAUSE;
/** Fewer slots are not worth renumbering. */
const FEW_SLOTS = 1024;
/** Bookkeeping of so few bytes is not looked at: small memories do without surprises. */
const LITTLE = 65_536;
/** Of the queues, and two pointers. */
const ARENA_SLOT = QUEUE_SLOT + 16;

export class Arena<V> {
  readonly #bounds: Bounds;
  readonly #overhead: number;
  readonly #clock: { now(): number };
  readonly #removals: Removals<V>;
  readonly #regions: Region<V>[] = [];
  readonly #columns: SlotColumns[] = [];
  readonly #queues: SlotQueues;
  #rehearsal: Rehearsal | undefined;
  #values: (V | undefined)[] = [];
  #keys: string[] = [];
  /** Until when it is there; missing while that is for all of them as long as they are plain, which the queues know. */
  #expiresAt: Float64Array | undefined;
  /** The region it is in; missing while there is one. */
  #owners: Uint32Array | undefined;
  #hand = 0;
  #pause = PAUSE;
  #indexBytes = 0;
  /** What a slot takes, used or not. */
  #slotBytes = ARENA_SLOT;

  constructor({ maxBytes, maxEntries = Infinity, overhead, clock, onRemove }: ArenaOptions<V>) {
    this.#bounds = { maxBytes, maxEntries };
    this.#overhead = overhead;
    this.#clock = clock;
    this.#removals = new Removals(onRemove);
    this.#queues = new SlotQueues(this.#bounds, 1);
  }

  /** Entries held; those that expired and were not come across yet are among them. */
  get size(): number {
    return this.#queues.size;
  }

  /** What the entries weigh, and what the bookkeeping takes beyond the overhead that is in their weights. */
  get bytes(): number {
    return this.#queues.bytes + this.#excess(this.size, this.#bookkeeping());
  }

  /** A copy. */
  get removals(): RemovalCounts {
    return this.#removals.counts;
  }

  /** A set of keys of its own. */
  region(): Region<V> {
    const region = new Region(this, this.#regions.length, this.#clock, this.#hot());
    this.#regions.push(region);
    this.#indexBytes += region.indexBytes;
    if (this.#regions.length > 1) this.#owners ??= new Uint32Array(this.#keys.length);
    return region;
  }

  /** From here on they have as many slots as the arena. */
  addColumns(columns: SlotColumns): void {
    columns.resize(this.#keys.length);
    this.#columns.push(columns);
  }

  /** Removes everything. */
  clear(): void {
    for (const region of this.#regions) region.clear();
  }

  value(slot: number): V {
    return this.#values[slot] as V;
  }

  /** An entry that is not plain any more was asked for. */
  late(slot: number): number {
    this.live(slot);
    return NONE;
  }

  /** An entry was used that the rehearsal follows. */
  followed(slot: number): void {
    this.#rehearsal?.request(this.#queues.hash(slot), this.#queues.weight(slot));
  }

  /** The slot, or NONE for what has expired, which is removed. */
  live(slot: number): number {
    if (!this.#hasExpired(slot, this.#clock.now())) return slot;
    this.#remove(slot, 'expired');
    this.#removals.tell();
    return NONE;
  }

  /** Milliseconds left. */
  left(slot: number): number {
    return this.#expiry(slot) - this.#clock.now();
  }

  /**
   * @param ttl - milliseconds that the entry lives from now on.
   * @param plainFor - for how long of that `Region.use` finds it.
   */
  setLife(slot: number, ttl: number, plainFor: number): void {
    const now = this.#clock.now();
    if (plainFor < ttl)
      this.#expiresAt ??= Float64Array.from(this.#keys, (_, each) => this.#queues.until(each));
    this.#queues.setUntil(slot, now + Math.min(plainFor, ttl));
    if (this.#expiresAt) this.#expiresAt[slot] = now + ttl;
  }

  /**
   * Stores a value in place of the one that was there.
   *
   * @param size - bytes of the key and the value.
   * @param ttl - see `setLife`; 0 or less stores nothing.
   * @returns its slot, or NONE where it was refused; the one that was there is gone then, too.
   */
  put(region: Region<V>, key: string, value: V, size: number, ttl: number, plainFor: number): number {
    if (--this.#pause === 0) this.#lookAround();
    const weight = size + this.#overhead;
    const standing = region.slot(key);
    const slot =
      weight > this.#bounds.maxBytes || weight > MOST_WEIGHT || !(ttl > 0)
        ? this.#refuse(standing, key, value, ttl > 0 ? 'rejected' : 'expired')
        : this.#place(region, standing, key, value, weight);
    if (slot !== NONE) {
      this.#values[slot] = value;
      this.setLife(slot, ttl, plainFor);
    }
    this.#removals.tell();
    return slot;
  }

  remove(slot: number): void {
    this.#forget(slot);
    this.#remove(slot, 'deleted');
    this.#removals.tell();
  }

  /** Removes all that a region holds. */
  empty(region: Region<V>): void {
    if (region.size === this.size && !this.#removals.areTold) {
      this.#removals.count('cleared', region.size);
      this.#indexBytes += region.unlinkAll();
      this.#reset();
    } else {
      for (const slot of region.slots()) this.#remove(slot, 'cleared');
      if (this.size === 0) this.#reset();
    }
    this.#removals.tell();
  }

  /** Removes all that has expired. @returns how many. */
  prune(): number {
    const now = this.#clock.now();
    let pruned = 0;
    for (let slot = 0; slot < this.#keys.length; slot++) {
      if (!this.#hasExpired(slot, now)) continue;
      this.#remove(slot, 'expired');
      pruned++;
    }
    this.#removals.tell();
    return pruned;
  }

  /** Where a key that is to have this value stands. */
  #place(region: Region<V>, standing: number, key: string, value: V, weight: number): number {
    const queues = this.#queues;
    if (standing !== NONE) {
      if (this.bytes - queues.weight(standing) + weight <= this.#bounds.maxBytes) {
        this.#removals.add(key, this.value(standing), 'replaced');
        queues.reweigh(standing, weight);
        if (queues.touch(standing)) this.followed(standing);
        return standing;
      }
      this.#remove(standing, 'replaced');
    }
    const hash = hashKey(key, region.id);
    if (queues.isFollowed(hash)) this.#rehearsal?.request(hash, weight);
    if (queues.refuses(hash, weight)) return this.#refuse(NONE, key, value, 'rejected');
    this.#makeRoom(region, weight);
    const slot = queues.add(hash, weight);
    if (slot >= this.#keys.length) this.#resize(queues.slots);
    this.#indexBytes += region.link(key, slot);
    this.#keys[slot] = key;
    if (this.#owners) this.#owners[slot] = region.id;
    return slot;
  }

  #refuse(standing: number, key: string, value: V, reason: RemovalReason): number {
    if (standing !== NONE) this.#remove(standing, 'replaced');
    this.#removals.add(key, value, reason);
    return NONE;
  }

  #makeRoom(region: Region<V>, weight: number): void {
    if (this.#hasRoom(region, weight)) return;
    this.#rehearsal ??= new Rehearsal(this.#queues);
    const now = this.#clock.now();
    do {
      const slot = this.#queues.leaving();
      this.#remove(slot, this.#hasExpired(slot, now) ? 'expired' : 'capacity');
      if (this.size === 0) return this.#reset();
      this.#compact();
    } while (!this.#hasRoom(region, weight));
  }

  /** Whether there is for one entry more, and for what the bookkeeping grows by then. */
  #hasRoom(region: Region<V>, weight: number): boolean {
    const queues = this.#queues;
    const growth = region.indexGrowth + (queues.isFull ? queues.growth * this.#slotBytes : 0);
    const excess = this.#excess(queues.size + 1, this.#bookkeeping() + growth);
    return queues.bytes + weight + excess <= this.#bounds.maxBytes && queues.size < this.#bounds.maxEntries;
  }

  #bookkeeping(): number {
    return this.#queues.slots * this.#slotBytes + this.#indexBytes + this.#queues.sketchBytes;
  }

  /** What of the bookkeeping the overhead of so many entries does not cover. */
  #excess(entries: number, bookkeeping: number): number {
    return Math.max(0, bookkeeping - entries * this.#overhead - LITTLE);
  }

  #lookAround(): void {
    this.#pause = PAUSE;
    // The queues share out what there is for entries.
    this.#queues.maxBytes = this.#bounds.maxBytes - this.#excess(this.size, this.#bookkeeping());
    const now = this.#clock.now();
    const slots = this.#keys.length;
    for (let looked = 0; looked < SWEPT && looked < slots; looked++) {
      this.#hand = this.#hand + 1 < slots ? this.#hand + 1 : 0;
      if (this.#hasExpired(this.#hand, now)) this.#remove(this.#hand, 'expired');
    }
  }

  /** A free slot never expires. */
  #hasExpired(slot: number, now: number): boolean {
    return now >= this.#expiry(slot);
  }

  #expiry(slot: number): number {
    return this.#expiresAt ? (this.#expiresAt[slot] as number) : this.#queues.until(slot);
  }

  #remove(slot: number, reason: RemovalReason): void {
    const key = this.#keys[slot] as string;
    this.#removals.add(key, this.value(slot), reason);
    this.#indexBytes += this.#regionOf(slot).unlink(key);
    this.#keys[slot] = '';
    this.#values[slot] = undefined;
    if (this.#expiresAt) this.#expiresAt[slot] = Infinity;
    this.#queues.remove(slot);
  }

  #regionOf(slot: number): Region<V> {
    return this.#regions[this.#owners ? (this.#owners[slot] as number) : 0] as Region<V>;
  }

  #forget(slot: number): void {
    const hash = this.#queues.hash(slot);
    if (this.#queues.isFollowed(hash)) this.#rehearsal?.forget(hash);
  }

  /** Most of what was held has gone for few that are larger: their slots go too, or they would be bytes that nobody counts. */
  #compact(): void {
    const { size, slots } = this.#queues;
    if (slots <= FEW_SLOTS || size * 4 >= slots) return;
    const order = this.#queues.compact(size + (size >> 2) + 16);
    this.#resize(this.#queues.slots, order);
    for (let slot = 0; slot < order.length; slot++) {
      this.#regionOf(slot).relink(this.#keys[slot] as string, slot);
    }
  }

  #resize(slots: number, order?: Int32Array): void {
    const before = order?.length ?? this.#keys.length;
    this.#values = resized(this.#values, slots, undefined, order);
    this.#keys = resized(this.#keys, slots, '', order);
    this.#expiresAt &&= resizedNumbers(this.#expiresAt, slots, order).fill(Infinity, before);
    this.#owners &&= resizedNumbers(this.#owners, slots, order);
    for (const columns of this.#columns) columns.resize(slots, order);
    for (const region of this.#regions) region.adopt(this.#hot());
    this.#slotBytes = this.#columns.reduce(
      (bytes, columns) => bytes + columns.slotBytes,
      ARENA_SLOT + (this.#expiresAt ? 8 : 0) + (this.#owners ? 4 : 0),
    );
  }

  #hot(): HotColumns<V> {
    const { times, words } = this.#queues;
    return { times, words, values: this.#values };
  }

  /** Gives the memory back. */
  #reset(): void {
    this.#queues.clear();
    this.#rehearsal = undefined;
    this.#expiresAt = undefined;
    this.#resize(0, new Int32Array(0));
  }
}
