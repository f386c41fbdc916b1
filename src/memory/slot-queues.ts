import { FrequencySketch, MOST_USES } from './frequency-sketch.js';
import { resizedRecords } from './slot-column.js';

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

/** The state of an entry: four bits of count, and these. */
const COUNT = 15;
/** Used since the hand last passed. */
const USED = 16;
const IN_MAIN = 32;
/** One of the keys that the rehearsal follows. */
const FOLLOWED = 64;

/** An entry's weight has 32 bits. */
export const MOST_WEIGHT = 0xffff_ffff;

/** What a hit looks at is 16 bytes side by side: until when, the state, the weight. */
const RECORD = 16;
/** The rest of an entry is three numbers: who is newer, who is older, its hash. */
const LINKS = 3;

/** What a slot takes, used or not. */
export const QUEUE_SLOT = RECORD + 4 * LINKS;

/**
 * Counts a use of an entry. A function of the bare records, since a hit does nothing else: every object on the way to them
 * would take a part of the time that it takes.
 *
 * @returns whether the key is one that is followed.
 */
export function countUse(words: Int32Array, slot: number): boolean {
  // Shifted, not multiplied, so that it needs no check for overflow.
  const at = (slot << 2) | 2;
  const state = words[at] as number;
  if ((state & (COUNT | USED)) !== (COUNT | USED)) {
    words[at] = ((state & COUNT) === COUNT ? state : state + 1) | USED;
  }
  return (state & FOLLOWED) !== 0;
}

/** A function of its own: compiled while it loops, it must not be thrown away for what comes after the loop. */
function halveUses(words: Int32Array): void {
  for (let at = 2; at < words.length; at += 4) {
    const state = words[at] as number;
    words[at] = (state & ~COUNT) | ((state & COUNT) >> 1);
  }
}

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
 * `remove` and `clear`; `use` writes one number and moves nothing.
 */
export class SlotQueues {
  #maxBytes: number;
  readonly #maxEntries: number;
  readonly #window = new Queue();
  readonly #main = new Queue();
  /** Both are views of the records. A slot that is free is never late. */
  #times = new Float64Array(0);
  #words = new Int32Array(0);
  #links = new Int32Array(0);
  #free = NONE;
  #sketch: FrequencySketch | undefined;
  /** Keys of whose hash these bits are zero are followed; `undefined`: none is. */
  #followed: number | undefined;
  #share = 1;
  #windowBytes: number;
  #windowEntries: number;

  /** @param share - of the window in the whole, see {@link share}. */
  constructor({ maxBytes, maxEntries }: Bounds, share: number) {
    this.#maxBytes = this.#windowBytes = maxBytes;
    this.#maxEntries = this.#windowEntries = maxEntries;
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
    return this.#words.length / 4;
  }

  get maxEntries(): number {
    return this.#maxEntries;
  }

  get maxBytes(): number {
    return this.#maxBytes;
  }

  /** What is held may be above it from here on, until enough have left. */
  set maxBytes(bytes: number) {
    this.#maxBytes = bytes;
    this.#windowBytes = this.#share * bytes;
  }

  /** Whether every slot is used. */
  get isFull(): boolean {
    return this.#free === NONE;
  }

  /** Slots there will be more when an entry is added to those that use all. */
  get growth(): number {
    return Math.min(Math.ceil(this.slots / 4) + 16, this.#maxEntries - this.slots);
  }

  /** Bytes of the bookkeeping beyond the slots. */
  get sketchBytes(): number {
    return this.#sketch?.bytes ?? 0;
  }

  /** The part of the whole that is for newcomers. 1: there is no main queue, and who was not used for longest leaves. */
  get share(): number {
    return this.#share;
  }

  set share(share: number) {
    this.#share = share;
    this.#windowBytes = share * this.#maxBytes;
    this.#windowEntries = Math.max(1, Math.round(share * this.#maxEntries));
  }

  hash(slot: number): number {
    return this.#links[LINKS * slot + 2] as number;
  }

  weight(slot: number): number {
    return (this.#words[4 * slot + 3] as number) >>> 0;
  }

  until(slot: number): number {
    return this.#times[2 * slot] as number;
  }

  setUntil(slot: number, time: number): void {
    this.#times[2 * slot] = time;
  }

  /** Whether an entry of this weight can be added as it is. */
  fits(weight: number): boolean {
    return this.bytes + weight <= this.#maxBytes && this.size < this.#maxEntries;
  }

  /** Counts a use. @returns whether the key is one that is followed. */
  touch(slot: number): boolean {
    return countUse(this.#words, slot);
  }

  /** What a hit looks at, until the next resizing: see {@link countUse}. */
  get times(): Float64Array {
    return this.#times;
  }

  get words(): Int32Array {
    return this.#words;
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
    this.#free = this.#newer(slot);
    const known = this.#sketch?.estimate(hash) ?? 0;
    this.#links[LINKS * slot + 2] = hash;
    this.#words[4 * slot + 3] = weight;
    this.#setState(slot, Math.min(known + 1, MOST_USES) | this.#followedBit(hash));
    this.#append(this.#window, slot);
    return slot;
  }

  reweigh(slot: number, weight: number): void {
    this.#queueOf(slot).bytes += weight - this.weight(slot);
    this.#words[4 * slot + 3] = weight;
  }

  /** Frees the slot; what is known of the key's use is remembered for when it comes back. */
  remove(slot: number): void {
    this.#sketch?.raise(this.hash(slot), this.#uses(slot));
    this.#take(slot);
    this.#times[2 * slot] = Infinity;
    this.#links[LINKS * slot] = this.#free;
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
        this.#setState(candidate, this.#state(candidate) | IN_MAIN);
        this.#append(this.#main, candidate);
      } else {
        return this.#wins(this.#uses(candidate), this.weight(candidate)) ? this.#main.oldest : candidate;
      }
    }
  }

  /** All uses count half from here on. */
  age(): void {
    halveUses(this.#words);
    this.#sketch?.halve();
    this.#sketch?.fit(this.size);
  }

  /**
   * From here on `touch` tells of the keys of whose hash these bits are zero.
   *
   * @returns how many of them are held, and their bytes.
   */
  follow(bits: number): { entries: number; bytes: number } {
    this.#followed = bits;
    const found = { entries: 0, bytes: 0 };
    for (const queue of [this.#window, this.#main]) {
      for (let slot = queue.oldest; slot !== NONE; slot = this.#newer(slot)) {
        const bit = this.#followedBit(this.hash(slot));
        this.#setState(slot, (this.#state(slot) & ~FOLLOWED) | bit);
        if (bit === 0) continue;
        found.entries++;
        found.bytes += this.weight(slot);
      }
    }
    return found;
  }

  isFollowed(hash: number): boolean {
    return this.#followedBit(hash) !== 0;
  }

  /**
   * Numbers the entries anew, without gaps, by their order in the queues.
   *
   * @returns for each new slot its old one.
   */
  compact(slots: number): Int32Array {
    const order = new Int32Array(this.size);
    let next = 0;
    for (const queue of [this.#window, this.#main]) {
      for (let slot = queue.oldest; slot !== NONE; slot = this.#newer(slot)) order[next++] = slot;
    }
    this.#resize(slots, order);
    this.#sketch?.fit(next);
    for (let slot = 0; slot < next; slot++) this.#link(slot, slot - 1, slot + 1);
    const { size } = this.#window;
    this.#renumber(this.#window, 0, size);
    this.#renumber(this.#main, size, next);
    this.#free = NONE;
    this.#freeFrom(next);
    return order;
  }

  /** Removes all and gives the memory back. What was found out about the share stays. */
  clear(): void {
    this.#resize(0, new Int32Array(0));
    this.#renumber(this.#window, 0, 0);
    this.#renumber(this.#main, 0, 0);
    this.#window.bytes = this.#window.size = this.#main.bytes = this.#main.size = 0;
    this.#free = NONE;
    this.#sketch = undefined;
    this.#followed = undefined;
  }

  #isWindowFull(): boolean {
    return this.#window.bytes >= this.#windowBytes || this.#window.size >= this.#windowEntries;
  }

  #hasMainRoom(weight: number): boolean {
    return (
      this.#main.bytes + weight <= this.#maxBytes - this.#windowBytes &&
      (this.#maxEntries === Infinity || this.#main.size < this.#maxEntries - this.#windowEntries)
    );
  }

  /** Whether one that was used this often is worth more than all who would have to leave the main queue for it. */
  #wins(uses: number, weight: number): boolean {
    let slot = this.#main.size === 0 ? NONE : this.#oldestUnused(this.#main);
    // The use that brought it here is counted, while those it is compared with have their next one before them.
    let worth = uses - 1;
    let room = this.#maxBytes - this.#windowBytes - this.#main.bytes;
    while (slot !== NONE) {
      worth -= this.#uses(slot);
      if (worth <= 0) return false;
      room += this.weight(slot);
      if (room >= weight) return true;
      slot = this.#newer(slot);
    }
    return false;
  }

  /** The hand of a clock (Corbato, 1968): who was used since it last passed goes to the end once more. */
  #oldestUnused(queue: Queue): number {
    for (;;) {
      const slot = queue.oldest;
      const state = this.#state(slot);
      if ((state & USED) === 0) return slot;
      this.#setState(slot, state & ~USED);
      if (slot === queue.newest) continue;
      this.#take(slot);
      this.#append(queue, slot);
    }
  }

  #state(slot: number): number {
    return this.#words[4 * slot + 2] as number;
  }

  #setState(slot: number, state: number): void {
    this.#words[4 * slot + 2] = state;
  }

  #uses(slot: number): number {
    return this.#state(slot) & COUNT;
  }

  #queueOf(slot: number): Queue {
    return (this.#state(slot) & IN_MAIN) === 0 ? this.#window : this.#main;
  }

  #newer(slot: number): number {
    return this.#links[LINKS * slot] as number;
  }

  #append(queue: Queue, slot: number): void {
    this.#link(slot, queue.newest, NONE);
    if (queue.newest === NONE) queue.oldest = slot;
    else this.#links[LINKS * queue.newest] = slot;
    queue.newest = slot;
    queue.bytes += this.weight(slot);
    queue.size++;
  }

  #take(slot: number): void {
    const queue = this.#queueOf(slot);
    const newer = this.#newer(slot);
    const older = this.#links[LINKS * slot + 1] as number;
    if (newer === NONE) queue.newest = older;
    else this.#links[LINKS * newer + 1] = older;
    if (older === NONE) queue.oldest = newer;
    else this.#links[LINKS * older] = newer;
    queue.bytes -= this.weight(slot);
    queue.size--;
  }

  #link(slot: number, older: number, newer: number): void {
    this.#links[LINKS * slot] = newer;
    this.#links[LINKS * slot + 1] = older;
  }

  /** The queue has these slots, and those between. */
  #renumber(queue: Queue, from: number, to: number): void {
    queue.oldest = from < to ? from : NONE;
    queue.newest = from < to ? to - 1 : NONE;
    if (from === to) return;
    this.#links[LINKS * from + 1] = NONE;
    this.#links[LINKS * (to - 1)] = NONE;
  }

  #followedBit(hash: number): number {
    return this.#followed !== undefined && (hash & this.#followed) === 0 ? FOLLOWED : 0;
  }

  #grow(): void {
    const before = this.slots;
    this.#resize(before + this.growth);
    this.#freeFrom(before);
  }

  #freeFrom(first: number): void {
    for (let slot = this.slots - 1; slot >= first; slot--) {
      this.#times[2 * slot] = Infinity;
      this.#links[LINKS * slot] = this.#free;
      this.#free = slot;
    }
  }

  #resize(slots: number, order?: Int32Array): void {
    this.#links = resizedRecords(this.#links, LINKS, slots, order);
    this.#times = resizedRecords(this.#times, RECORD / 8, slots, order);
    this.#words = new Int32Array(this.#times.buffer);
  }
}
