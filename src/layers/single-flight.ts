/** What a flight does at the moment, and so what a change of its key means to it. */
export type FlightPhase = 'reading' | 'waiting' | 'loading';

const ignore = (): void => undefined;

/** One answer under way, which any number of callers wait for. */
export class Flight<T = unknown> {
  readonly key: string;
  phase: FlightPhase = 'reading';
  /** The key was written or deleted since the load began: the outcome belongs to the past and must not be stored. */
  outdated = false;
  /** What goes on behind the callers' backs once they have their answer. Never rejects. */
  afterwards: Promise<void> | undefined;
  readonly #table: SingleFlight;
  #outcome: Promise<T> | undefined;
  #resolve!: (value: T) => void;
  #reject!: (error: unknown) => void;
  #controller: AbortController | undefined;
  #leaving = 0;
  #staying = false;

  /** Made by {@link SingleFlight.start}. */
  constructor(key: string, table: SingleFlight) {
    this.key = key;
    this.#table = table;
    this.#outcome = new Promise<T>((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /** What every caller gets, until the flight is over. */
  get outcome(): Promise<T> {
    if (!this.#outcome) throw new Error('the flight is over, and nobody can join it');
    return this.#outcome;
  }

  settle(value: T): void {
    this.#resolve(value);
    // Whoever comes while the value is still being stored shares it, instead of finding this process's own lease.
    if (this.afterwards) this.#table.linger(this, this.afterwards);
    else this.end();
  }

  fail(error: unknown): void {
    this.#reject(error);
    this.end();
  }

  /**
   * Leaves the table, and lets go of the outcome. A Map that grows or shrinks leaves its old table of entries behind, which
   * holds the new one; once such a table is old to the garbage collector, all flights since are kept until its next full run,
   * and what they answered would be copied about with them: a quarter of the time of a busy process.
   */
  end(): void {
    this.#table.close(this.key, this);
    this.#outcome = undefined;
    this.#resolve = this.#reject = ignore;
  }

  /** Ends as the promise does. */
  follow(answer: Promise<T>): void {
    answer.then(
      (value) => this.settle(value),
      (error: unknown) => this.fail(error),
    );
  }

  /** Aborts what the flight does. Made when it is needed: most flights find their value in Redis. */
  get controller(): AbortController {
    return (this.#controller ??= new AbortController());
  }

  /** The outcome for one caller. Its signal lets that caller leave; the load is aborted when all have left. */
  attend(signal: AbortSignal | undefined, onDeserted: () => void): Promise<T> {
    if (!signal) {
      this.#staying = true;
      return this.outcome;
    }
    if (signal.aborted) return Promise.reject(signal.reason);
    this.#leaving++;
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        reject(signal.reason);
        if (--this.#leaving > 0 || this.#staying) return;
        onDeserted();
        this.controller.abort(signal.reason);
      };
      signal.addEventListener('abort', leave, { once: true });
      this.outcome.then(resolve, reject).finally(() => signal.removeEventListener('abort', leave));
    });
  }
}

/**
 * At most one answer under way for a key. Whoever asks meanwhile gets the same, its error too. Nothing is ever left behind: a
 * flight leaves the table when it ends, however it ends, and at once when its key changes under it, so that whoever asks
 * after a change never shares what was read or loaded before it.
 */
export class SingleFlight {
  readonly #flights = new Map<string, Flight>();
  readonly #lingering = new Set<Promise<void>>();

  /** The flight under way for the key that one may still join. */
  get<T>(key: string): Flight<T> | undefined {
    return this.#flights.get(key) as Flight<T> | undefined;
  }

  start<T>(key: string): Flight<T> {
    const flight = new Flight<T>(key, this);
    this.#flights.set(key, flight as Flight);
    return flight;
  }

  /** Leaves the table when what goes on behind the callers' backs has ended. */
  linger(flight: { end(): void }, afterwards: Promise<void>): void {
    const ending = afterwards.then(() => {
      this.#lingering.delete(ending);
      flight.end();
    });
    this.#lingering.add(ending);
  }

  /** Resolves when nothing goes on behind anyone's back. */
  async settle(): Promise<void> {
    await Promise.all(this.#lingering);
  }

  /** Nobody joins it any more. */
  close(key: string, flight: object | undefined = this.#flights.get(key)): void {
    if (flight && this.#flights.get(key) === flight) this.#flights.delete(key);
  }

  /** What it will answer is newer than all that closed it: one may join it again. */
  reopen<T>(key: string, flight: Flight<T>): void {
    if (!flight.outdated && !this.#flights.has(key)) this.#flights.set(key, flight as Flight);
  }

  /** This process wrote or deleted the key. */
  outdate(key: string): void {
    const flight = this.#flights.get(key);
    if (!flight) return;
    flight.outdated = true;
    this.#flights.delete(key);
  }

  /** Somebody else changed the key. */
  changed(key: string): void {
    const flight = this.#flights.get(key);
    // One that waits for somebody's load waits for just this.
    if (!flight || flight.phase === 'waiting') return;
    if (flight.phase === 'loading') flight.outdated = true;
    this.#flights.delete(key);
  }

  /** Changes may have gone unheard. What is being loaded may still be stored where Redis itself says that it may. */
  closeAll(): void {
    this.#flights.clear();
  }

  outdateAll(): void {
    for (const flight of this.#flights.values()) flight.outdated = true;
    this.#flights.clear();
  }

  get size(): number {
    return this.#flights.size;
  }
}
