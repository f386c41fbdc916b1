/** Runs work with bounded concurrency; of what waits, the highest priority begins first, and of equals the one that came first. */
export class TurnQueue {
  readonly #concurrency: number;
  readonly #waiting: Array<{ readonly priority: number; readonly work: () => Promise<unknown> }> = [];
  #running = 0;

  constructor(concurrency: number) {
    this.#concurrency = concurrency;
  }

  /** Resolves when the work has ended, and rejects as it does. */
  run<R>(priority: number, work: () => Promise<R>): Promise<R> {
    return new Promise((resolve, reject) => {
      const at = this.#waiting.findIndex((other) => other.priority < priority);
      const entry = { priority, work: () => work().then(resolve, reject) };
      this.#waiting.splice(at === -1 ? this.#waiting.length : at, 0, entry);
      // Whatever else becomes due in this turn of the event loop competes for the place.
      queueMicrotask(() => this.#next());
    });
  }

  #next(): void {
    if (this.#running >= this.#concurrency) return;
    const next = this.#waiting.shift();
    if (!next) return;
    this.#running++;
    void next.work().finally(() => {
      this.#running--;
      this.#next();
    });
  }
}
