import { SlotQueues, type Bounds } from './slot-queues.js';

/** What the window may be of the whole: all of it for recency, a fifth, or next to nothing for frequency. */
const SHARES = [1, 0.2, 0.01] as const;

/** A small copy shall hold about this many entries or more: fewer say too little about the whole. */
const FEWEST = 128;
/** Following one of so many keys costs next to nothing. */
const MOST_BITS = 12;

/** Per so many requests as a small copy has entries, what was scored before counts this much less. */
const MEMORY = 0.97;
/** A change has to be worth so many hits for each entry of a small copy; less is chance, or one half of a scan to and fro. */
const LEAD = 0.25;
/** After so many requests for each entry, all uses count half: the sample of TinyLFU. */
const SAMPLE = 10;

/** One way of sharing the room, tried on the keys that are followed. */
class SmallCopy {
  readonly queues: SlotQueues;
  hits = 0;
  readonly #index = new Map<number, number>();

  constructor(bounds: Bounds, share: number) {
    this.queues = new SlotQueues(bounds, share);
  }

  request(hash: number, weight: number): void {
    const slot = this.#index.get(hash);
    if (slot !== undefined) {
      this.hits++;
      this.queues.touch(slot);
      return;
    }
    if (weight > this.queues.maxBytes || this.queues.refuses(hash, weight)) return;
    while (!this.queues.fits(weight)) this.#drop(this.queues.leaving());
    this.#index.set(hash, this.queues.add(hash, weight));
  }

  forget(hash: number): void {
    const slot = this.#index.get(hash);
    if (slot !== undefined) this.#drop(slot);
  }

  #drop(slot: number): void {
    this.#index.delete(this.queues.hash(slot));
    this.queues.remove(slot);
  }
}

/**
 * Finds out how large the window of newcomers should be, by trying: every share is played through by a small copy of the queues,
 * with as much less room as it is asked for fewer keys, chosen by their hash (C. Waldspurger, T. Saemundsson, I. Ahmad, N. Park,
 * "Cache Modeling and Optimization using Miniature Simulations", USENIX ATC 2017). The queues get the share of the copy with
 * the most hits, once its lead is beyond chance. It also counts the requests that age them, since a hit counts nothing.
 */
export class Rehearsal {
  readonly #queues: SlotQueues;
  #copies: readonly SmallCopy[] = [];
  /** Entries there were when the copies were made. */
  #population = 0;
  /** Entries a copy holds, about. */
  #round = 1;
  #requests = 0;
  #rounds = 0;

  constructor(queues: SlotQueues) {
    this.#queues = queues;
    this.#begin();
  }

  /** Somebody asked for a key that is followed. */
  request(hash: number, weight: number): void {
    for (const copy of this.#copies) copy.request(hash, weight);
    if (++this.#requests >= this.#round) this.#judge();
  }

  /** The key was removed, and will be missed however the room is shared. */
  forget(hash: number): void {
    for (const copy of this.#copies) copy.forget(hash);
  }

  #begin(): void {
    const { size, bytes, maxBytes, maxEntries } = this.#queues;
    this.#population = size;
    let bits = 0;
    while (bits < MOST_BITS && this.#population >> (bits + 1) >= FEWEST) bits++;
    // The highest bits of the hash: what places a count in a sketch are the lowest.
    const followed = this.#queues.follow(bits === 0 ? 0 : -1 << (32 - bits));
    this.#round = Math.max(1, followed.entries);
    // Not as much less room as there are fewer keys, but as theirs takes now: where sizes differ, a few are never average.
    const part = {
      maxBytes: Math.ceil((maxBytes * followed.bytes) / bytes),
      maxEntries: Math.ceil((maxEntries * followed.entries) / size),
    };
    this.#copies = SHARES.map((share) => new SmallCopy(part, share));
  }

  #judge(): void {
    this.#requests = 0;
    this.#choose();
    for (const copy of this.#copies) copy.hits *= MEMORY;
    if (++this.#rounds >= SAMPLE) {
      this.#rounds = SAMPLE / 2;
      this.#queues.age();
      for (const copy of this.#copies) copy.queues.age();
    }
    const { size } = this.#queues;
    // Larger or smaller values have come: the copies would be too small to tell, or larger than they need be.
    if (size > 4 * this.#population || size * 4 < this.#population) this.#begin();
  }

  #choose(): void {
    const current = this.#copies.find((copy) => copy.queues.share === this.#queues.share);
    let best = current;
    for (const copy of this.#copies) if (copy.hits > (best?.hits ?? -1)) best = copy;
    if (best && best.hits - (current?.hits ?? 0) > LEAD * this.#round) this.#queues.share = best.queues.share;
  }
}
