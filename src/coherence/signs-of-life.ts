/** A silence shorter than this is none: heartbeats are 50 ms apart at the least. */
const SHORTEST_SILENCE = 150;
/** Timers of the platform hold 31 bits. */
const LONGEST_TIMER = 2 ** 31 - 1;

export interface SignsOfLifeParts {
  /** When the last one came, by `performance.now()`; `Infinity` before the first. */
  readonly lastHeard: () => number;
  /** Milliseconds after it for which copies are served. */
  readonly maxStale: number;
  /** Copies that this connection vouches for may not be served any longer. */
  readonly onExpired: () => void;
}

/**
 * Those of one connection that tells of changes. It is the time of the last one that is looked at, and not only what the
 * connection says of itself: of the loss of a peer that vanished nobody is told, and it shows in the missing answers to heartbeats.
 */
export class SignsOfLife {
  readonly #parts: SignsOfLifeParts;
  /** Whether the connection itself says that it is away. */
  #away = false;
  #timer: NodeJS.Timeout | undefined;
  /** The one after which copies have expired, if there was none since. */
  #expiredAfter: number | undefined;
  #closed = false;

  constructor(parts: SignsOfLifeParts) {
    this.#parts = parts;
  }

  /** Whether copies have expired, and nothing was heard since. */
  get overdue(): boolean {
    return this.#expiredAfter !== undefined && this.#parts.lastHeard() === this.#expiredAfter;
  }

  /** Copies are kept again, since something was heard. */
  resume(): void {
    this.#expiredAfter = undefined;
    this.#wait();
  }

  /** The connection says that it is away, or there. */
  told(away: boolean): void {
    this.#away = away;
    this.#wait();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  /** Waits until the last sign of life there is now would be too long ago. */
  #wait(): void {
    clearTimeout(this.#timer);
    if (this.#closed) return;
    const left = Math.min(Math.max(0, this.#left()), LONGEST_TIMER);
    // The sockets are read once more before anyone is called silent.
    this.#timer = setTimeout(() => setImmediate(() => this.#look()), left).unref();
  }

  #left(): number {
    const { lastHeard, maxStale } = this.#parts;
    const heard = lastHeard();
    // Without a sign of life, or with none since copies have expired, there is nothing that could.
    if (heard === Infinity || heard === this.#expiredAfter) return Math.max(maxStale, SHORTEST_SILENCE);
    const allowed = this.#away ? maxStale : Math.max(maxStale, SHORTEST_SILENCE);
    return heard + allowed - performance.now();
  }

  #look(): void {
    if (this.#closed) return;
    const heard = this.#parts.lastHeard();
    if (heard === Infinity || heard === this.#expiredAfter || this.#left() > 0) return this.#wait();
    this.#expiredAfter = heard;
    this.#parts.onExpired();
  }
}
