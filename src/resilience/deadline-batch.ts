/** Something that waits for an answer and can be told that none came in time. */
export interface Expirable {
  readonly settled: boolean;
  expire(): void;
}

/**
 * One timer for all that was asked in one turn of the event loop.
 *
 * A timer a command would cost more than the command. And a timer alone is unfair: after a long synchronous stretch of the
 * application the timers' turn comes before the sockets', and answers that have long arrived would be called late. So when
 * the timer fires, the sockets are read once more before anyone is told.
 */
export class DeadlineBatch {
  readonly #members: Expirable[] = [];
  readonly #onExpired: (() => void) | undefined;
  readonly #timer: NodeJS.Timeout;
  #waiting = 0;
  #sealed = false;

  /**
   * @param delay - milliseconds until the members still waiting are told.
   * @param onExpired - called once after they were told; not at all when everyone got an answer.
   */
  constructor(delay: number, onExpired?: () => void) {
    this.#onExpired = onExpired;
    this.#timer = setTimeout(() => setImmediate(() => this.#expire()), Math.max(0, delay));
  }

  add(member: Expirable): void {
    this.#members.push(member);
    this.#waiting++;
  }

  /** No member will be added any more. */
  seal(): void {
    this.#sealed = true;
    if (this.#waiting === 0) clearTimeout(this.#timer);
  }

  /** To be called once for each member that got its answer. */
  settle(): void {
    if (--this.#waiting === 0 && this.#sealed) clearTimeout(this.#timer);
  }

  #expire(): void {
    if (this.#waiting === 0) return;
    for (const member of this.#members) if (!member.settled) member.expire();
    this.#onExpired?.();
  }
}
