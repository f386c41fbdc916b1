const TICK = 5;

/**
 * Time as this process got it: a stretch in which the machine ran others, or in which one turn took long, counts as two ticks,
 * however long it was. The deadlines under test are timers of this process, which such a stretch holds up as well.
 */
export class PacedClock {
  #time = 0;
  #last = performance.now();
  readonly #timer = setInterval(() => this.#tick(), TICK).unref();

  /** Milliseconds since it was started. */
  now(): number {
    return this.#time;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #tick(): void {
    const now = performance.now();
    this.#time += Math.min(now - this.#last, 2 * TICK);
    this.#last = now;
  }
}
