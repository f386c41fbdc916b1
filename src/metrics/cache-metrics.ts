/** What a cache counts about itself. Always on: see the histogram for what a record costs. */

import { systemClock, type Clock } from '../runtime/clock.js';
import { Histogram, type HistogramSnapshot } from './histogram.js';

/** How one read of one key ended. An error is no miss: a cache that is down must not look like one that is cold. */
export type ReadOutcome = 'hit' | 'miss' | 'error';

/** Counts since `since`. */
export interface MetricsCounters {
  /** Reads that found a value. */
  readonly hits: number;
  /** Reads that found out that there is no value. */
  readonly misses: number;
  /** Operations of any kind that failed: reads, writes and deletes. */
  readonly errors: number;
  /** Keys written. */
  readonly sets: number;
  /** Keys removed by request. */
  readonly deletes: number;
  /** Times a loader was run. */
  readonly loads: number;
  /** Calls that waited for a load already under way, and ran none. */
  readonly coalesced: number;
  /** Those of the hits that were answered from the memory of the process. */
  readonly memoryHits: number;
  /** Answers with a value past its `ttl`. */
  readonly staleServes: number;
  /** Times a read waited for the load of another process. */
  readonly leaseWaits: number;
  /** Changes of keys that the server told of. */
  readonly invalidationsReceived: number;
}

/** The name of a counter. */
export type MetricsCounter = keyof MetricsCounters;

/** One value for each way a read can end. */
export interface ByReadOutcome<T> {
  readonly hit: T;
  readonly miss: T;
  readonly error: T;
}

/** Plain JSON, a copy: it does not change any more. */
export interface MetricsSnapshot {
  /** When counting began, in milliseconds since the Unix epoch: at creation or at the last `reset()`. */
  readonly since: number;
  readonly counters: MetricsCounters;
  /** Fractions of all reads, from 0 to 1, together 1; all 0 while there was no read. */
  readonly rates: ByReadOutcome<number>;
  /** How long reads took, in milliseconds, by how they ended. */
  readonly readLatency: ByReadOutcome<HistogramSnapshot>;
}

/** Settings of {@link CacheMetrics}. */
export interface CacheMetricsOptions {
  /** Default: the platform's clock. */
  readonly clock?: Clock;
}

/** Counters and latencies of one cache. Nothing here throws, waits, or allocates, except `snapshot()`. */
export class CacheMetrics {
  readonly #clock: Clock;
  readonly #counters: Record<MetricsCounter, number> = noCounts();
  readonly #readLatency: ByReadOutcome<Histogram> = {
    hit: new Histogram(),
    miss: new Histogram(),
    error: new Histogram(),
  };
  /** Kept apart from `errors`, which counts failed writes too and so is no fraction of the reads. */
  #readErrors = 0;
  #since: number;

  constructor(options: CacheMetricsOptions = {}) {
    this.#clock = options.clock ?? systemClock;
    this.#since = this.#clock.wall();
  }

  /**
   * Counts one read of one key: in `hits`, `misses` or `errors`, and its latency.
   *
   * @param milliseconds How long it took, with fractions. NaN when it was not timed: the read is then counted, its
   *   latency is not.
   */
  recordRead(outcome: ReadOutcome, milliseconds: number): void {
    if (outcome === 'hit') {
      this.#counters.hits++;
      this.#readLatency.hit.record(milliseconds);
    } else if (outcome === 'miss') {
      this.#counters.misses++;
      this.#readLatency.miss.record(milliseconds);
    } else {
      this.#counters.errors++;
      this.#readErrors++;
      this.#readLatency.error.record(milliseconds);
    }
  }

  /** Counts a read that memory answered, which is too quick to be timed: the clock would cost more than the answer. */
  recordMemoryHit(): void {
    this.#counters.hits++;
    this.#counters.memoryHits++;
  }

  /**
   * Counts everything that is not a timed read. A failed read belongs in `recordRead`, or the rates will not know
   * of it.
   *
   * @param by Default 1.
   */
  increment(counter: MetricsCounter, by = 1): void {
    // Not `this.#counters[counter]`: a property named at run time costs ten times as much to find.
    switch (counter) {
      case 'hits':
        this.#counters.hits += by;
        break;
      case 'misses':
        this.#counters.misses += by;
        break;
      case 'errors':
        this.#counters.errors += by;
        break;
      case 'sets':
        this.#counters.sets += by;
        break;
      case 'deletes':
        this.#counters.deletes += by;
        break;
      case 'loads':
        this.#counters.loads += by;
        break;
      case 'coalesced':
        this.#counters.coalesced += by;
        break;
      case 'memoryHits':
        this.#counters.memoryHits += by;
        break;
      case 'staleServes':
        this.#counters.staleServes += by;
        break;
      case 'leaseWaits':
        this.#counters.leaseWaits += by;
        break;
      case 'invalidationsReceived':
        this.#counters.invalidationsReceived += by;
        break;
      default:
        counter satisfies never;
    }
  }

  snapshot(): MetricsSnapshot {
    const counters = { ...this.#counters };
    const reads = counters.hits + counters.misses + this.#readErrors;
    const fraction = (count: number): number => (reads === 0 ? 0 : count / reads);
    return {
      since: this.#since,
      counters,
      rates: {
        hit: fraction(counters.hits),
        miss: fraction(counters.misses),
        error: fraction(this.#readErrors),
      },
      readLatency: {
        hit: this.#readLatency.hit.snapshot(),
        miss: this.#readLatency.miss.snapshot(),
        error: this.#readLatency.error.snapshot(),
      },
    };
  }

  /** Begins anew: all counts 0, `since` now. */
  reset(): void {
    Object.assign(this.#counters, noCounts());
    this.#readErrors = 0;
    this.#readLatency.hit.reset();
    this.#readLatency.miss.reset();
    this.#readLatency.error.reset();
    this.#since = this.#clock.wall();
  }
}

function noCounts(): Record<MetricsCounter, number> {
  return {
    hits: 0,
    misses: 0,
    errors: 0,
    sets: 0,
    deletes: 0,
    loads: 0,
    coalesced: 0,
    memoryHits: 0,
    staleServes: 0,
    leaseWaits: 0,
    invalidationsReceived: 0,
  };
}
