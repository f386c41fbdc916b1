/** Milliseconds by which a timer may be late although the process has nothing else to do. */
const TIMER_GRAIN = 2;

/**
 * Says when a connection is to be asked something only to hear an answer, again and again.
 *
 * Each time it says since when that was due. A timer that is late shows that the event loop was busy with something else, and
 * news wait for it just as long. Were only the time from the question to its answer looked at, a loop that is blocked for a
 * second would hardly ever be seen: the question itself waits until it is free.
 */
export class Heartbeat {
  readonly #interval: number;
  readonly #beat: (since: number) => void;
  #timer: NodeJS.Timeout | undefined;

  /** @param beat - told since when the question was due, by `performance.now()`. */
  constructor(interval: number, beat: (since: number) => void) {
    this.#interval = interval;
    this.#beat = beat;
  }

  /** The first is due an interval from now. */
  start(): void {
    this.stop();
    const due = performance.now() + this.#interval;
    this.#timer = setTimeout(() => {
      const now = performance.now();
      this.start();
      this.#beat(now - due > TIMER_GRAIN ? due : now);
    }, this.#interval).unref();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}
