import { turnClock } from '../../runtime/turn-clock.js';
import { BLOB_ID_BYTES, blobNamed, blobOf, type Blob } from './blob.js';
import type { BlobStore } from './blob-store.js';

/** Blobs known; then all are forgotten, and those in use fetched again. */
const MOST_KNOWN = 2000;
/** Of the many, those used last are found without a look into the map. */
const SLOTS = 64;
/** Blobs that were not there are not asked for again for this many milliseconds. */
const MISSING_FOR = 1000;
/** Nor are such offered again as could not be put there. */
const REFUSED_FOR = 5000;
/** A blob in use is seen to this often: where nobody tells of keys that go, an evicted one is back after this time. */
const LOOK_AFTER_EVERY = 60_000;
/** The least time that a blob is to stay. */
const LEAST_LIFE = 24 * 60 * 60 * 1000;

/** A blob as its writer sees it. Times are by the clock of its `SharedBlobs`. */
export interface Offer {
  readonly blob: Blob;
  /** Until then it stands for certain, unless somebody removes it. */
  standsUntil: number;
  /** From then on it is to be seen to. */
  lookAfterAt: number;
  /** Until then it is not offered again. */
  refusedUntil: number;
  /** How often it may have been lost. */
  losses: number;
  /** The longest life of an entry that it was sent for and that the store has not answered yet. */
  sentFor: number;
}

/**
 * The blobs of one key space: what this process knows of them, and how they get to the others.
 *
 * An entry that names a blob is worth nothing without it. So its writer sends the blob before the first entry that names it,
 * on the same way, and while the store does not have it for as long as the entry will live, the entry holds what it needs
 * itself. Blobs live twice as long as the entries that name them, and their lives are lengthened while they are written
 * with. Of one that was evicted or deleted the store tells, or else it is found missing within a minute, and is put back by
 * whoever writes with it next. Until then those who do not know it have a miss, and never a wrong value.
 */
export class SharedBlobs {
  readonly #store: BlobStore;
  readonly #now: () => number;
  readonly #known = new Map<string, Blob>();
  readonly #slots: Array<Blob | undefined> = Array.from({ length: SLOTS });
  readonly #fetching = new Map<string, Promise<Blob | undefined>>();
  readonly #missingUntil = new Map<string, number>();
  readonly #offers = new Map<string, Offer>();

  /** @param now - milliseconds of a clock that only goes forward. */
  constructor(store: BlobStore, now: () => number = () => turnClock.now()) {
    this.#store = store;
    this.#now = now;
    store.onLost((name) => this.#lost(name));
  }

  /** The blob whose id stands there, if this process knows it. */
  find(bytes: Buffer, at: number): Blob | undefined {
    const slot = (bytes[at] ?? 0) % SLOTS;
    const last = this.#slots[slot];
    if (last && isAt(last.id, bytes, at)) return last;
    const found = this.#known.get(bytes.toString('hex', at, at + BLOB_ID_BYTES));
    if (found) this.#slots[slot] = found;
    return found;
  }

  /** The same, asking the store. Never rejects. */
  async fetch(bytes: Buffer, at: number): Promise<Blob | undefined> {
    const found = this.find(bytes, at);
    if (found) return found;
    const name = bytes.toString('hex', at, at + BLOB_ID_BYTES);
    if ((this.#missingUntil.get(name) ?? -Infinity) > this.#now()) return undefined;
    let fetching = this.#fetching.get(name);
    if (!fetching) {
      fetching = this.#fetch(name).finally(() => this.#fetching.delete(name));
      this.#fetching.set(name, fetching);
    }
    return fetching;
  }

  /**
   * The blob with these bytes, to be written with; the same bytes have one offer. Undefined where other bytes have its name,
   * which nobody will see who has not looked for such for a long time.
   *
   * @param bytes - its own from here on.
   */
  offer(bytes: Buffer): Offer | undefined {
    const blob = this.#learn(blobOf(bytes));
    if (!blob.bytes.equals(bytes)) return undefined;
    const made = this.#offers.get(blob.name);
    if (made) return made;
    const offer: Offer = {
      blob,
      standsUntil: -Infinity,
      lookAfterAt: -Infinity,
      refusedUntil: -Infinity,
      losses: 0,
      sentFor: -Infinity,
    };
    this.#offers.set(blob.name, offer);
    return offer;
  }

  /**
   * Whether an entry that is sent now and lives this long may name the blob. If the store is not known to have it, it is sent
   * first.
   *
   * @param life - milliseconds, or Infinity.
   */
  stands(offer: Offer, life: number): boolean {
    const now = this.#now();
    if (now < offer.refusedUntil) return false;
    if (offer.standsUntil >= now + life && now < offer.lookAfterAt) return true;
    if (offer.sentFor < life) {
      offer.sentFor = Math.max(LEAST_LIFE / 2, life);
      void this.#keep(offer, 2 * offer.sentFor);
    }
    return true;
  }

  async #fetch(name: string): Promise<Blob | undefined> {
    try {
      const blob = blobNamed(name, await this.#store.fetch(name));
      if (blob) return this.#learn(blob);
    } catch {
      // The store counts its own failures. Whoever asks again after a while may have better luck.
    }
    if (this.#missingUntil.size >= MOST_KNOWN) this.#missingUntil.clear();
    this.#missingUntil.set(name, this.#now() + MISSING_FOR);
    return undefined;
  }

  #learn(blob: Blob): Blob {
    const known = this.#known.get(blob.name);
    if (known) return known;
    if (this.#known.size >= MOST_KNOWN) this.#known.clear();
    this.#known.set(blob.name, blob);
    this.#missingUntil.delete(blob.name);
    return blob;
  }

  /** Never rejects. */
  async #keep(offer: Offer, life: number): Promise<void> {
    const { name, bytes } = offer.blob;
    const { losses } = offer;
    const asked = this.#now();
    let stands = 0;
    try {
      stands = await this.#store.keep(name, bytes, life);
    } catch {
      // As good as refused; the store counts its own failures.
    }
    offer.sentFor = -Infinity;
    offer.lookAfterAt = asked + LOOK_AFTER_EVERY;
    // What was told meanwhile may be younger than the answer.
    offer.standsUntil = losses === offer.losses ? asked + stands : -Infinity;
    if (stands <= 0) offer.refusedUntil = asked + REFUSED_FOR;
  }

  #lost(name: string | null): void {
    for (const offer of name === null ? this.#offers.values() : [this.#offers.get(name)]) {
      if (!offer) continue;
      offer.standsUntil = -Infinity;
      offer.losses++;
    }
  }
}

function isAt(id: Buffer, bytes: Buffer, at: number): boolean {
  for (let i = 0; i < BLOB_ID_BYTES; i++) if (id[i] !== bytes[at + i]) return false;
  return true;
}
