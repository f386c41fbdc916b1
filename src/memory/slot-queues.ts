import { FrequencySketch, MOST_USES } from './frequency-sketch.js';
import { resizedNumbers } from './slot-column.js';

/** How much may be held. */
export interface Bounds {
  readonly maxBytes: number;
  /** `Infinity` for no limit of its own. */
  readonly maxEntries: number;
}

/** No slot. */
export const NONE = -1;

/** How many entries may stand behind one that is far larger than they are before it has to win its place. */
const MANY = 16;

/** The state of an entry is one byte: four bits of count, and these. */
const COUNT = 15;
/** Used since the hand last passed. */
const USED = 16;
const IN_MAIN = 32;
/** One of the keys that the rehearsal follows. */
const FOLLOWED = 64;

class Queue {
  oldest = NONE;
  newest = NONE;
  bytes = 0;
  size = 0;
}

/**
 * Who has to leave: a window of newcomers before a main queue, both first in, first out, of slots with weights. See arena.ts for
 * why. It knows neither keys nor values.
 *
 * Invariants: every slot in use is in one of the queues; `bytes` is the sum of the weights; nothing here removes an entry but
 * `remove`; `touch` writes one byte and moves nothing.
 */
export class SlotQueues {
  readonly #bounds: Bounds;
  #newer = new Int32Array(0);
  #older = new Int32Array(0);
  #weights: Uint32Array | Float64Array;
  #hashes = new Int32Array(0);
  #states = new Uint8Array(0);
  #free = NONE;
  readonly #window = new Queue();
  readonly #main = new Queue();
  #sketch: FrequencySketch | undefined;
  /** Keys of whose hash these bits are zero are followed; `undefined`: none is. */
  #followed: number | undefined;
  #share = 1;
  #windowBytes: number;
  #windowEntries: number;

  /** @param share - of the window in the whole, see {@link share}. */
  constructor(bounds: Bounds, share: number) {
    this.#bounds = bounds;
    this.#weights = bounds.maxBytes > 0xffff_ffff ? new Float64Array(0) : new Uint32Array(0);
    this.#windowBytes = bounds.maxBytes;
    this.#windowEntries = bounds.maxEntries;
    this.share = share;
  }

  get size(): number {
    return this.#window.size + this.#main.size;
  }

  get bytes(): number {
    return this.#window.bytes + this.#main.bytes;
  }

  /** Slots there are, used or not. */
  get slots(): number {
    return this.#states.length;
  }

  get bounds(): Bounds {
    return this.#bounds;
  }

  /** The part of the whole that is for newcomers. 1: there is no main queue, and who was not used for longest leaves. */
  get share(): number {
    return this.#share;
  }

  set share(share: number) {
    const { maxBytes, maxEntries } = this.#bounds;
    this.#share = share;
    this.#windowBytes = share * maxBytes;
    this.#windowEntries = Math.max(1, Math.round(share * maxEntries));
  }

  hash(slot: number): number {
    return this.#hashes[slot] as number;
  }

  weight(slot: number): number {
    return this.#weights[slot] as number;
  }

  /** Whether an entry of this weight can be added as it is. */
  fits(weight: number): boolean {
    return this.bytes + weight <= this.#bounds.maxBytes && this.size < this.#bounds.maxEntries;
  }

  /** Counts a use. @returns whether the key is one that is followed. */
  touch(slot: number): boolean {
    const state = this.#states[slot] as number;
    if ((state & (COUNT | USED)) !== (COUNT | USED)) {
      this.#states[slot] = ((state & COUNT) === COUNT ? state : state + 1) | USED;
    }
    return state >= FOLLOWED;
  }

  /**
   * Whether this newcomer is not worth those who would have to leave at once: it is larger than the window, would displace many,
   * and was not used more often than they were. All others are let in.
   */
  refuses(hash: number, weight: number): boolean {
    if (weight <= this.#windowBytes || weight * this.size < MANY * this.bytes || this.fits(weight))
      return false;
    return !this.#wins((this.#sketch?.estimate(hash) ?? 0) + 1, weight);
  }

  /** Puts a newcomer into the window. The caller has seen to it that it fits. */
  add(hash: number, weight: number): number {
    if (this.#free === NONE) this.#grow();
    const slot = this.#free;
    this.#free = this.#newer[slot] as number;
    const known = this.#sketch?.estimate(hash) ?? 0;
    this.#hashes[slot] = hash;
    this.#weights[slot] = weight;
    this.#states[slot] = Math.min(known + 1, MOST_USES) | this.#followedBit(hash);
    this.#append(this.#window, slot);
    return slot;
  }

  reweigh(slot: number, weight: number): void {
    this.#queueOf(slot).bytes += weight - this.weight(slot);
    this.#weights[slot] = weight;
  }

  /** Frees the slot; what is known of the key's use is remembered for when it comes back. */
  remove(slot: number): void {
    this.#sketch?.raise(this.hash(slot), (this.#states[slot] as number) & COUNT);
    this.#take(slot);
    this.#newer[slot] = this.#free;
    this.#free = slot;
  }

  /** The one that has to leave for others. There has to be one. */
  leaving(): number {
    this.#sketch ??= new FrequencySketch(this.size);
    for (;;) {
      if (this.#main.size > 0 && !this.#isWindowFull()) return this.#oldestUnused(this.#main);
      const candidate = this.#oldestUnused(this.#window);
      if (this.#share === 1) return candidate;
      if (this.#hasMainRoom(this.weight(candidate))) {
        this.#take(candidate);
        this.#states[candidate] = (this.#states[candidate] as number) | IN_MAIN;
        this.#append(this.#main, candidate);
      } else {
        return this.#wins((this.#states[candidate] as number) & COUNT, this.weight(candidate))
          ? this.#main.oldest
          : candidate;
      }
    }
  }

  /** All uses count half from here on. */
  age(): void {
    const states = this.#states;
    for (let i = 0; i < states.length; i++) {
      const state = states[i] as number;
      states[i] = (state & ~COUNT) | ((state & COUNT) >> 1);
    }
    this.#sketch?.halve();
    this.#sketch?.fit(this.size);
  }

  /** From here on `touch` tells of the keys of whose hash these bits are zero. */
  follow(bits: number): void {
    this.#followed = bits;
    for (let slot = 0; slot < this.slots; slot++) {
      this.#states[slot] = ((this.#states[slot] as number) & ~FOLLOWED) | this.#followedBit(this.hash(slot));
    }
  }

  isFollowed(hash: number): boolean {
    return this.#followedBit(hash) !== 0;
  }

  /**
   * Numbers the entries anew, without gaps.
   *
   * @returns for each new slot its old one.
   */
  compact(slots: number): Int32Array {
    const order = new Int32Array(this.size);
    let next = 0;
    for (const queue of [this.#window, this.#main]) {
      const first = next;
      for (let slot = queue.oldest; slot !== NONE; slot = this.#newer[slot] as number) order[next++] = slot;
      queue.oldest = next > first ? first : NONE;
      queue.newest = next > first ? next - 1 : NONE;
    }
    this.#weights = resizedNumbers(this.#weights, slots, order);
    this.#hashes = resizedNumbers(this.#hashes, slots, order);
    this.#states = resizedNumbers(this.#states, slots, order);
    this.#newer = Int32Array.from({ length: slots }, (_, slot) => slot + 1);
    this.#older = Int32Array.from({ length: slots }, (_, slot) => slot - 1);
    this.#newer[slots - 1] = NONE;
    this.#free = next < slots ? next : NONE;
    for (const queue of [this.#window, this.#main]) {
      if (queue.size === 0) continue;
      this.#older[queue.oldest] = NONE;
      this.#newer[queue.newest] = NONE;
    }
    return order;
  }

  #isWindowFull(): boolean {
    return this.#window.bytes >= this.#windowBytes || this.#window.size >= this.#windowEntries;
  }

  #hasMainRoom(weight: number): boolean {
    const { maxBytes, maxEntries } = this.#bounds;
    return (
      this.#main.bytes + weight <= maxBytes - this.#windowBytes &&
      (maxEntries === Infinity || this.#main.size < maxEntries - this.#windowEntries)
    );
  }

  /** Whether one that was used this often is worth more than all who would have to leave the main queue for it. */
  #wins(uses: number, weight: number): boolean {
    let slot = this.#main.size === 0 ? NONE : this.#oldestUnused(this.#main);
    // The use that brought it here is counted, while those it is compared with have their next one before them.
    let worth = uses - 1;
    let room = this.#bounds.maxBytes - this.#windowBytes - this.#main.bytes;
    while (slot !== NONE) {
      worth -= (this.#states[slot] as number) & COUNT;
      if (worth <= 0) return false;
      room += this.weight(slot);
      if (room >= weight) return true;
      slot = this.#newer[slot] as number;
    }
    return false;
  }

  /** The hand of a clock (Corbato, 1968): who was used since it last passed goes to the end once more. */
  #oldestUnused(queue: Queue): number {
    for (;;) {
      const slot = queue.oldest;
      const state = this.#states[slot] as number;
      if ((state & USED) === 0) return slot;
      this.#states[slot] = state & ~USED;
      if (slot === queue.newest) continue;
      this.#take(slot);
      this.#append(queue, slot);
    }
  }

  #queueOf(slot: number): Queue {
    return ((this.#states[slot] as number) & IN_MAIN) === 0 ? this.#window : this.#main;
  }

  #append(queue: Queue, slot: number): void {
    this.#newer[slot] = NONE;
    this.#older[slot] = queue.newest;
    if (queue.newest === NONE) queue.oldest = slot;
    else this.#newer[queue.newest] = slot;
    queue.newest = slot;
    queue.bytes += this.weight(slot);
    queue.size++;
  }

  #take(slot: number): void {
    const queue = this.#queueOf(slot);
    const newer = this.#newer[slot] as number;
    const older = this.#older[slot] as number;
    if (newer === NONE) queue.newest = older;
    else this.#older[newer] = older;
    if (older === NONE) queue.oldest = newer;
    else this.#newer[older] = newer;
    queue.bytes -= this.weight(slot);
    queue.size--;
  }

  #followedBit(hash: number): number {
    return this.#followed !== undefined && (hash & this.#followed) === 0 ? FOLLOWED : 0;
  }

  #grow(): void {
    const before = this.slots;
    const slots = Math.min(Math.ceil(before * 1.25) + 16, this.#bounds.maxEntries);
    this.#newer = resizedNumbers(this.#newer, slots);
    this.#older = resizedNumbers(this.#older, slots);
    this.#weights = resizedNumbers(this.#weights, slots);
    this.#hashes = resizedNumbers(this.#hashes, slots);
    this.#states = resizedNumbers(this.#states, slots);
    for (let slot = slots - 1; slot >= before; slot--) {
      this.#newer[slot] = this.#free;
      this.#free = slot;
    }
  }
}
