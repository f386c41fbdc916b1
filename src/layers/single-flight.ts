/** One piece of work under way, which any number of callers wait for. */
export interface Flight {
  /** Set when the key was written or deleted meanwhile: the outcome belongs to the past and must not be stored. */
  readonly outdated: boolean;
}

/**
 * At most one piece of work a key at a time. Whoever asks meanwhile gets the same outcome, its error too. Nothing is ever
 * left behind: a flight leaves the table when it ends, however it ends, and one that was outdated leaves at once, so that
 * whoever asks after a write never shares a load that began before it.
 */
export class SingleFlight {
  readonly #flights = new Map<string, { outdated: boolean; readonly outcome: Promise<unknown> }>();

  /** The flight under way for the key, if there is one. */
  join<T>(key: string): Promise<T> | undefined {
    return this.#flights.get(key)?.outcome as Promise<T> | undefined;
  }

  start<T>(key: string, work: (flight: Flight) => Promise<T>): Promise<T> {
    const mark = { outdated: false };
    const outcome = work(mark).finally(() => {
      if (this.#flights.get(key) === flight) this.#flights.delete(key);
    });
    const flight = Object.assign(mark, { outcome });
    this.#flights.set(key, flight);
    return outcome;
  }

  /** The key was written or deleted: what is under way for it is of the past. */
  outdate(key: string): void {
    const flight = this.#flights.get(key);
    if (!flight) return;
    flight.outdated = true;
    this.#flights.delete(key);
  }

  get size(): number {
    return this.#flights.size;
  }
}
