import type { Histogram } from './histogram.js';
import { withSums, type KeptCounter } from './counters.js';
import type { HotKeySampler } from './hot-key-sampler.js';
import type { Latencies } from './latencies.js';
import { SamplingPace } from './sampling-pace.js';
import type { MetricsCounters, ReadOutcome } from './snapshot.js';
import type { Clock } from '../runtime/clock.js';

/** Hits by which a sample is put off. */
const POSTPONED = 16;

export interface NamespaceMetricsParts {
  readonly name: string;
  readonly latencies: Latencies;
  readonly staleAge: Histogram;
  /** Missing where hot keys are not looked for. */
  readonly hotKeys: HotKeySampler | undefined;
  readonly clock: Clock;
  /** From 0, included, to 1. Default `Math.random`. */
  readonly random?: (() => number) | undefined;
}

/** Those of the counts that are plain fields. */
const PLAIN = [
  'misses',
  'memoryMisses',
  'redisHits',
  'redisMisses',
  'redisErrors',
  'coalesced',
  'staleWhileRevalidate',
  'staleIfError',
  'loads',
  'loadFailures',
  'loadTimeouts',
  'refreshes',
  'leasesTaken',
  'leaseWaits',
  'leaseTakeovers',
  'fills',
  'fillsRefused',
  'fillErrors',
  'sets',
  'setErrors',
  'deletes',
  'deleteErrors',
  'tagInvalidations',
  'otherErrors',
  'getManyCalls',
  'getOrSetManyCalls',
  'setManyCalls',
  'deleteManyCalls',
  'invalidationsSent',
  'invalidationsReceived',
  'invalidationsDeferred',
  'unreadable',
  'backgroundErrors',
] as const satisfies readonly Exclude<KeptCounter, 'memoryHits'>[];

/**
 * What is counted of one namespace. For code of this package.
 *
 * Plain fields that whoever does the thing raises in place: a call, or a property named at run time, would cost several times
 * as much on the way of a hit in memory. Those hits are counted and sampled by one decrement: `beforeSample` counts down from a
 * number drawn at random (see `SamplingPace`), and how many hits there were is what was drawn so far less what is left. At 0 the
 * next hit is timed and its key looked at.
 */
export class NamespaceMetrics implements Record<KeptCounter, number> {
  /** Its names joined with `:`. */
  readonly name: string;
  readonly latencies: Latencies;
  readonly staleAge: Histogram;
  /** Hits in memory until one is sampled. Whoever serves a hit takes one off, or, at 0, calls {@link hitSampled}. */
  beforeSample = 0;

  /** No count but a gauge: a reset leaves it. */
  loadsRunning = 0;

  misses = 0;
  memoryMisses = 0;
  redisHits = 0;
  redisMisses = 0;
  redisErrors = 0;
  coalesced = 0;
  staleWhileRevalidate = 0;
  staleIfError = 0;
  loads = 0;
  loadFailures = 0;
  loadTimeouts = 0;
  refreshes = 0;
  leasesTaken = 0;
  leaseWaits = 0;
  leaseTakeovers = 0;
  fills = 0;
  fillsRefused = 0;
  fillErrors = 0;
  sets = 0;
  setErrors = 0;
  deletes = 0;
  deleteErrors = 0;
  tagInvalidations = 0;
  otherErrors = 0;
  getManyCalls = 0;
  getOrSetManyCalls = 0;
  setManyCalls = 0;
  deleteManyCalls = 0;
  invalidationsSent = 0;
  invalidationsReceived = 0;
  invalidationsDeferred = 0;
  unreadable = 0;
  backgroundErrors = 0;

  readonly #hotKeys: HotKeySampler | undefined;
  readonly #clock: Clock;
  readonly #hitPace: SamplingPace;
  readonly #readPace: SamplingPace;
  /** Sum of all that `beforeSample` was set to, and of the hits sampled. */
  #drawn = 0;
  #readsBeforeSample = 0;

  constructor({ name, latencies, staleAge, hotKeys, clock, random = Math.random }: NamespaceMetricsParts) {
    this.name = name;
    this.latencies = latencies;
    this.staleAge = staleAge;
    this.#hotKeys = hotKeys;
    this.#clock = clock;
    this.#hitPace = new SamplingPace(random);
    this.#readPace = new SamplingPace(random);
    this.reset();
  }

  get memoryHits(): number {
    return this.#drawn - this.beforeSample;
  }

  /**
   * Counts a hit in memory that came when `beforeSample` was 0.
   *
   * @param milliseconds - how long it took; NaN for one that was not timed.
   * @param now - by the monotonic clock.
   */
  hitSampled(key: string, milliseconds: number, now: number): void {
    const { weight } = this.#hitPace;
    this.beforeSample = this.#hitPace.next(now);
    this.#drawn += 1 + this.beforeSample;
    this.latencies.memoryHit.record(milliseconds);
    this.#hotKeys?.sample(this.name, key, weight, now);
  }

  /** The read that was to be sampled was no hit: it is one a little later, or every miss until then would be timed. */
  postponeSample(): void {
    this.beforeSample = POSTPONED;
    this.#drawn += POSTPONED;
  }

  /** Counts a hit in memory that did not come the way that is timed. */
  hitUntimed(key: string): void {
    if (this.beforeSample === 0) this.hitSampled(key, NaN, this.#clock.monotonic());
    else this.beforeSample--;
  }

  /**
   * Counts a read that went to Redis, and how long it took.
   *
   * @param milliseconds - NaN for one that was not timed by itself.
   */
  readFromRedis(outcome: ReadOutcome, milliseconds: number, key: string): void {
    if (outcome === 'hit') {
      this.redisHits++;
      this.latencies.redisHit.record(milliseconds);
    } else if (outcome === 'miss') {
      this.redisMisses++;
      this.misses++;
      this.latencies.redisMiss.record(milliseconds);
    } else {
      this.redisErrors++;
      this.latencies.redisError.record(milliseconds);
    }
    if (this.#readsBeforeSample-- > 0) return;
    const { weight } = this.#readPace;
    const now = this.#clock.monotonic();
    this.#readsBeforeSample = this.#readPace.next(now);
    this.#hotKeys?.sample(this.name, key, weight, now);
  }

  /** Counts a key that Redis has taken. @param milliseconds - NaN for one that was not timed by itself. */
  written(milliseconds: number): void {
    this.sets++;
    this.latencies.set.ok.record(milliseconds);
  }

  writeFailed(milliseconds: number): void {
    this.setErrors++;
    this.latencies.set.error.record(milliseconds);
  }

  /**
   * Counts a key that is removed, or was not there.
   *
   * @param milliseconds - NaN for one that was not timed by itself.
   * @param told - whether Redis was told.
   */
  removed(milliseconds: number, told: boolean): void {
    this.deletes++;
    if (told) this.invalidationsSent++;
    this.latencies.delete.ok.record(milliseconds);
  }

  removeFailed(milliseconds: number): void {
    this.deleteErrors++;
    this.latencies.delete.error.record(milliseconds);
  }

  loadBegan(inBackground: boolean): void {
    this.loads++;
    this.loadsRunning++;
    if (inBackground) this.refreshes++;
  }

  loadEnded(milliseconds: number): void {
    this.loadsRunning--;
    this.latencies.load.ok.record(milliseconds);
  }

  loadFailed(milliseconds: number, timedOut: boolean): void {
    this.loadsRunning--;
    this.loadFailures++;
    if (timedOut) this.loadTimeouts++;
    this.latencies.load.error.record(milliseconds);
  }

  /** Counts that a lease was asked for. @param waited - whether for somebody else's before. */
  leaseAsked(milliseconds: number, taken: boolean, waited: boolean): void {
    this.latencies.lease[taken ? 'ok' : 'refused'].record(milliseconds);
    if (!taken) return;
    this.leasesTaken++;
    if (waited) this.leaseTakeovers++;
  }

  /** Counts a loaded value that Redis took, or that it did not because the key was changed meanwhile. */
  filled(milliseconds: number, taken: boolean): void {
    if (taken) this.fills++;
    else this.fillsRefused++;
    this.latencies.fill[taken ? 'ok' : 'refused'].record(milliseconds);
  }

  fillFailed(milliseconds: number): void {
    this.fillErrors++;
    this.latencies.fill.error.record(milliseconds);
  }

  /** Counts an answer past its `ttl`. @param age - milliseconds since its load began. */
  servedStale(reason: 'revalidate' | 'error', age: number): void {
    if (reason === 'revalidate') this.staleWhileRevalidate++;
    else this.staleIfError++;
    this.staleAge.record(age);
  }

  counters(): MetricsCounters {
    return withSums(this);
  }

  /** All counts 0. Operations under way are counted when they end. */
  reset(): void {
    for (const name of PLAIN) this[name] = 0;
    this.beforeSample = this.#drawn = this.#hitPace.distance();
    this.#readsBeforeSample = this.#readPace.distance();
  }
}
