/**
 * How many loads may run at once while Redis cannot share them. Without it every process would send its whole traffic to the
 * database in the moment that Redis fails, and the database would follow.
 */
export class LoadGate {
  readonly #limit: number;
  readonly #waiting: Array<() => void> = [];
  #running = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Loads that wait for their turn. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** @param onWait - called where it cannot begin at once. */
  async run<T>(work: () => Promise<T>, onWait?: () => void): Promise<T> {
    if (this.#running >= this.#limit) {
      onWait?.();
      await new Promise<void>((go) => this.#waiting.push(go));
    } else this.#running++;
    try {
      return await work();
    } finally {
      // The place goes to the next in line, or is free.
      const next = this.#waiting.shift();
      if (next) next();
      else this.#running--;
    }
  }
}
