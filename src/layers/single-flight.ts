import { AsyncResource } from 'node:async_hooks';
import type { Watch } from '../coherence/watches.js';
import type { CacheError } from '../errors.js';
import type { Reader } from '../redis/port.js';
import { ChurningMap } from '../runtime/churning-map.js';
import { turnClock } from '../runtime/turn-clock.js';
import type { EntryPolicy } from './entry-policy.js';
import type { Loader } from './load.js';

/** What a flight does at the moment, and so what a change of its key means to it. */
export type FlightPhase = 'reading' | 'waiting' | 'loading';

/** What is to be answered. */
export interface Job<T> {
  readonly key: string;
  readonly loader: Loader<T>;
  readonly policy: EntryPolicy;
  /** When the value was made that is to be replaced rather than served, by the server's clock; undefined for no refresh. */
  readonly replaces: number | undefined;
  /** Told when it is known whether the flight loads now; see {@link LoadRound}. */
  readonly round: LoadRound | undefined;
}

/**
 * Answers that were asked for together and whose loads are one call: that call waits until each of them has said whether it
 * loads now, and for nothing else.
 */
export interface LoadRound {
  enter(): void;
  /** Once for each that entered: it has called its loader, or it has its answer, or it waits for somebody else's load. */
  leave(): void;
}

/** How the first read of a flight goes on. */
export interface FirstReads {
  firstRead<T>(flight: Flight<T>, bytes: Buffer | null): void;
  firstReadFailed<T>(flight: Flight<T>, error: CacheError): void;
}

const ignore = (): void => undefined;
const all = (): boolean => true;

let resolveMade: (value: never) => void = ignore;
let rejectMade: (error: unknown) => void = ignore;
/** One function for all promises: one a flight, with what it closes over, would be the greater part of the flight. */
const takeOut = (resolve: (value: never) => void, reject: (error: unknown) => void): void => {
  resolveMade = resolve;
  rejectMade = reject;
};

/**
 * One answer under way, which any number of callers wait for. It is its own job and the reader of its own first read: most
 * flights end with that, and an object for each of these would cost more than the rest of it.
 */
export class Flight<T = unknown> implements Job<T>, Reader {
  readonly key: string;
  readonly loader: Loader<T>;
  readonly policy: EntryPolicy;
  readonly replaces: number | undefined;
  round: LoadRound | undefined;
  phase: FlightPhase = 'reading';
  /** The key was written or deleted since the load began: the outcome belongs to the past and must not be stored. */
  outdated = false;
  /** It has its outcome, which may be a stale value while another is loaded behind the callers' backs. */
  answered = false;
  /** Whether one may join it: whether the table has it. Kept by the table. */
  listed = true;
  /**
   * Where it came from: its load runs there. The reads of one turn are one command, whose answer comes to all of them in the
   * context of the first; a loader that asks an `AsyncLocalStorage` for its tenant, or for the trace it belongs to, would be
   * told somebody else's.
   */
  readonly origin = new AsyncResource('TiercelFlight');
  /** By the clock of the turn. */
  readonly began = turnClock.now();
  /** Of the first read, where what it finds may be kept. */
  watch: Watch | undefined;
  /** What goes on behind the callers' backs once they have their answer. Never rejects. */
  afterwards: Promise<void> | undefined;
  /** Made by {@link Flight.controller}. */
  aborter: AbortController | undefined;
  readonly #table: SingleFlight;
  readonly #reads: FirstReads;
  #outcome: Promise<T> | undefined;
  #resolve: (value: T) => void;
  #reject: (error: unknown) => void;
  #leaving = 0;
  #staying = false;

  /** Made by {@link SingleFlight.start}. */
  constructor(job: Job<T>, table: SingleFlight, reads: FirstReads) {
    this.key = job.key;
    this.loader = job.loader;
    this.policy = job.policy;
    this.replaces = job.replaces;
    this.round = job.round;
    this.#table = table;
    this.#reads = reads;
    this.#outcome = new Promise<T>(takeOut);
    this.#resolve = resolveMade as (value: T) => void;
    this.#reject = rejectMade;
  }

  /** Whether a value that is due is to be replaced rather than served. */
  get refresh(): boolean {
    return this.replaces !== undefined;
  }

  /** What every caller gets, until the flight is over. */
  get outcome(): Promise<T> {
    if (!this.#outcome) throw new Error('the flight is over, and nobody can join it');
    return this.#outcome;
  }

  received(bytes: Buffer | null): void {
    this.#reads.firstRead(this, bytes);
  }

  failed(error: CacheError): void {
    this.#reads.firstReadFailed(this, error);
  }

  settle(value: T): void {
    this.answered = true;
    this.#resolve(value);
    this.leaveRound();
    // Whoever comes while the value is still being stored shares it, instead of finding this process's own lease.
    if (this.afterwards) this.#table.linger(this, this.afterwards);
    else this.end();
  }

  fail(error: unknown): void {
    this.#reject(error);
    this.leaveRound();
    this.end();
  }

  /** Leaves the table, and lets go of the outcome: should a flight be kept for a while (see `ChurningMap`), its value is not. */
  end(): void {
    this.#table.close(this);
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

  /** Whether it loads now is known. */
  leaveRound(): void {
    const { round } = this;
    if (!round) return;
    this.round = undefined;
    // The last one to leave makes the call that loads for all.
    this.origin.runInAsyncScope(() => round.leave());
  }

  /** Aborts what the flight does. Made when it is needed: most flights find their value in Redis. */
  get controller(): AbortController {
    return (this.aborter ??= new AbortController());
  }

  /** Somebody needs what it does who is none of its callers: their leaving does not abort it. */
  stay(): void {
    this.#staying = true;
  }

  /** The outcome for one caller. Its signal lets that caller leave; the load is aborted when all have left. */
  attend(signal: AbortSignal | undefined): Promise<T> {
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
        this.#table.close(this);
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
  readonly #flights = new ChurningMap<string, Flight>();
  readonly #lingering = new Set<Promise<void>>();

  /** The flight under way for the key that one may still join. */
  get<T>(key: string): Flight<T> | undefined {
    return this.#flights.get(key) as Flight<T> | undefined;
  }

  start<T>(job: Job<T>, reads: FirstReads): Flight<T> {
    const flight = new Flight<T>(job, this, reads);
    this.#flights.set(job.key, flight as Flight);
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
  close<T>(flight: Flight<T>): void {
    if (!flight.listed) return;
    flight.listed = false;
    this.#flights.delete(flight.key);
  }

  /** What it will answer is newer than all that closed it: one may join it again. */
  reopen<T>(flight: Flight<T>): void {
    if (flight.outdated || flight.answered || this.#flights.has(flight.key)) return;
    flight.listed = true;
    this.#flights.set(flight.key, flight as Flight);
  }

  /** This process wrote or deleted the key. */
  outdate(key: string): void {
    const flight = this.#flights.get(key);
    if (!flight) return;
    flight.outdated = true;
    this.close(flight);
  }

  /** Somebody else changed the key. */
  changed(key: string): void {
    const flight = this.#flights.get(key);
    // One that waits for somebody's load waits for just this.
    if (!flight || flight.phase === 'waiting') return;
    if (flight.phase === 'loading') flight.outdated = true;
    this.close(flight);
  }

  /** Changes may have gone unheard. What is being loaded may still be stored where Redis itself says that it may. */
  closeAll(concerned: (key: string) => boolean = all): void {
    for (const [key, flight] of this.#flights) {
      if (!concerned(key)) continue;
      flight.listed = false;
      this.#flights.delete(key);
    }
  }

  /**
   * A tag was invalidated. Whether what is being loaded has the tag shows only when it is there, and then it is judged; whoever
   * comes from now on must not share it unjudged, nor what was answered before.
   */
  closeUnjudged(): void {
    for (const flight of this.#flights.values()) {
      if (flight.answered || flight.phase === 'loading') this.close(flight);
    }
  }

  outdateAll(concerned: (key: string) => boolean = all): void {
    for (const [key, flight] of this.#flights) if (concerned(key)) flight.outdated = true;
    this.closeAll(concerned);
  }

  get size(): number {
    return this.#flights.size;
  }
}
