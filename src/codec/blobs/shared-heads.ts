import type { Blob } from './blob.js';
import type { Offer, SharedBlobs } from './shared-blobs.js';

/** A head with fewer bytes saves next to nothing, since the id takes eight. */
const LEAST_BYTES = 20;
/** Nor does one that is a smaller part of the payload than this. */
const LEAST_PART = 1 / 20;
/** Shared from the second time on: a shape met once may be that of one value only. */
const FIRST_SHARED = 2;
/** Of shapes that are made of data there is no end: a process shares no more than this many. */
const MOST_SHARED = 256;
/** Heads remembered that are not shared; then all are forgotten. */
const MOST_CANDIDATES = 1000;

/** @param rest - bytes of the payload behind the head. */
export function isWorthSharing(head: Buffer, rest: number): boolean {
  return head.length >= LEAST_BYTES && head.length >= rest * LEAST_PART;
}

interface Candidate {
  seen: number;
  offer: Offer | undefined;
}

/** Decides what payloads begin with that stands apart from them, as a blob. */
export class SharedHeads {
  readonly #blobs: SharedBlobs;
  readonly #byBytes = new Map<string, Candidate>();
  #byHead = new WeakMap<Buffer, Candidate>();
  #shared = 0;

  constructor(blobs: SharedBlobs) {
    this.#blobs = blobs;
  }

  /**
   * The blob to name instead of the head; undefined where the head is to stand in the entry.
   *
   * @param head - the same object for the same bytes, most of the time: it is known by that.
   * @param rest - bytes of the payload behind it.
   * @param life - milliseconds, or Infinity, that the entry is kept.
   */
  pick(head: Buffer, rest: number, life: number): Blob | undefined {
    if (!isWorthSharing(head, rest)) return undefined;
    const candidate = this.#byHead.get(head) ?? this.#recall(head);
    const offer = candidate.offer ?? this.#consider(candidate, head);
    return offer && this.#blobs.stands(offer, life) ? offer.blob : undefined;
  }

  #recall(head: Buffer): Candidate {
    const key = head.toString('latin1');
    let candidate = this.#byBytes.get(key);
    if (!candidate) {
      if (this.#byBytes.size >= MOST_CANDIDATES) {
        this.#byBytes.clear();
        this.#byHead = new WeakMap();
      }
      candidate = { seen: 0, offer: undefined };
      this.#byBytes.set(key, candidate);
    }
    this.#byHead.set(head, candidate);
    return candidate;
  }

  #consider(candidate: Candidate, head: Buffer): Offer | undefined {
    if (++candidate.seen < FIRST_SHARED || this.#shared >= MOST_SHARED) return undefined;
    this.#shared++;
    candidate.offer = this.#blobs.offer(Buffer.from(head));
    return candidate.offer;
  }
}
