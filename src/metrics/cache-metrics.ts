/** What a cache counts about itself. Always on: see `npm run bench:metrics` for what it costs. */

import { systemClock, type Clock } from '../runtime/clock.js';
import { positiveInteger, rejectUnknownOptions } from '../validate.js';
import { addUp, ratiosOf } from './counters.js';
import { GaugeSources, type MemorySource } from './gauge-sources.js';
import { Histogram } from './histogram.js';
import { HotKeySampler } from './hot-key-sampler.js';
import { Latencies } from './latencies.js';
import { NamedMetrics, type NamedCounter } from './named-metrics.js';
import { NamespaceMetrics } from './namespace-metrics.js';
import { RateWindows, WINDOWS } from './rate-windows.js';
import type { BackgroundOperation, MetricsCounters, MetricsSnapshot } from './snapshot.js';
import type { RedisPort } from '../redis/port.js';

/** Namespaces that have counts of their own; see `MetricsSnapshot.namespaces`. */
const MOST_NAMESPACES = 200;
const OTHER = '(other)';

/** Milliseconds between two readings of the counts, for the rates of the last minutes. */
const READING_INTERVAL = 5000;

/** Settings of what a cache counts. */
export interface MetricsOptions {
  /**
   * How many of the most read keys a snapshot lists, or false to look at no key at all: keys may name people, and a snapshot
   * shows them to whoever may see it. Default 20.
   */
  readonly hotKeys?: number | false;
}

/** Settings of {@link CacheMetrics}. */
export interface CacheMetricsOptions extends MetricsOptions {
  /** Default: the platform's clock. */
  readonly clock?: Clock;
}

/**
 * Counters, rates and latencies of one cache. Nothing here throws or waits, and nothing but `snapshot()` allocates much.
 *
 * Counts stay at `Number.MAX_SAFE_INTEGER` once they are there (at a hundred million a second, after three years).
 */
export class CacheMetrics {
  readonly #clock: Clock;
  readonly #namespaces = new Map<string, NamespaceMetrics>();
  readonly #latencies = new Latencies();
  readonly #staleAge = new Histogram();
  #coherenceLag: Histogram | undefined;
  readonly #hotKeys: HotKeySampler | undefined;
  readonly #windows: RateWindows;
  readonly #named = new NamedMetrics();
  readonly #sources = new GaugeSources();
  readonly #backgroundErrors = noBackgroundErrors();
  #since: number;

  /** @throws InvalidOptionError */
  constructor(options: CacheMetricsOptions = {}) {
    rejectUnknownOptions(options, ['clock', 'hotKeys'], 'metrics');
    const { clock = systemClock, hotKeys = 20 } = options;
    this.#clock = clock;
    this.#since = clock.wall();
    this.#windows = new RateWindows(clock.monotonic());
    this.#hotKeys =
      hotKeys === false ? undefined : new HotKeySampler(positiveInteger(hotKeys, 'metrics.hotKeys'), clock);
    readEverySoOften(new WeakRef(this));
  }

  /** The counts of one namespace, for whoever does its work. For code of this package. */
  namespace(name: string): NamespaceMetrics {
    const known = this.#namespaces.get(name);
    if (known) return known;
    const label = this.#namespaces.size < MOST_NAMESPACES ? name : OTHER;
    const made =
      this.#namespaces.get(label) ??
      new NamespaceMetrics({
        name: label,
        latencies: this.#latencies,
        staleAge: this.#staleAge,
        hotKeys: this.#hotKeys,
        clock: this.#clock,
      });
    this.#namespaces.set(label, made);
    return made;
  }

  /** Counts a failure that no caller is told of. For code of this package. */
  backgroundError(operation: string): void {
    const known = Object.hasOwn(this.#backgroundErrors, operation)
      ? (operation as BackgroundOperation)
      : 'other';
    this.#backgroundErrors[known]++;
  }

  /**
   * A count of another part's, under a dotted name of lower case letters, digits and underscores, such as
   * `write_behind.acknowledged`. The same name gives the same count. It is in `snapshot().named.counters`, and Prometheus knows
   * it as `tiercel_write_behind_acknowledged_total`.
   *
   * @throws InvalidOptionError for another kind of name, or for more than 200 of them: a name must not be made of data.
   */
  counter(name: string): NamedCounter {
    return this.#named.counter(name);
  }

  /**
   * A number that goes up and down, such as the length of a queue, asked for with every snapshot. One that throws is left out.
   *
   * @returns takes it away again.
   * @throws InvalidOptionError as `counter`, and for a name that is in use.
   */
  gauge(name: string, read: () => number): () => void {
    return this.#named.gauge(name, read);
  }

  /** Loads under way, over all namespaces. */
  get loadsRunning(): number {
    let running = 0;
    for (const namespace of this.#namespaces.values()) running += namespace.loadsRunning;
    return running;
  }

  /** Where the figures of memory and Redis come from, and who hears of changes. For code of this package. */
  attach(
    memory: MemorySource | undefined,
    port: RedisPort | undefined,
    feed?: Pick<RedisPort, 'onLag'>,
  ): void {
    this.#sources.attach(memory, port);
    if (!feed) return;
    const lag = (this.#coherenceLag ??= new Histogram());
    feed.onLag((milliseconds) => lag.record(milliseconds));
  }

  snapshot(): MetricsSnapshot {
    // Assigned to an object, the counts of a namespace called `__proto__` would become its prototype.
    const namespaces: Record<string, MetricsCounters> = Object.fromEntries(
      [...this.#namespaces].map(([name, counts]) => [name, counts.counters()]),
    );
    const counters = addUp(Object.values(namespaces));
    const now = this.#clock.monotonic();
    return {
      version: 1,
      since: this.#since,
      at: this.#clock.wall(),
      processes: 1,
      counters,
      namespaces,
      ratios: ratiosOf(counters),
      windows: WINDOWS.map((seconds) => this.#windows.over(seconds, now, counters)),
      latency: this.#latencies.snapshot(counters.memoryHits),
      staleAge: this.#staleAge.snapshot(),
      ...(this.#coherenceLag && { coherence: { lag: this.#coherenceLag.snapshot() } }),
      ...(this.#hotKeys && { hotKeys: this.#hotKeys.snapshot() }),
      backgroundErrors: { ...this.#backgroundErrors },
      ...this.#sources.snapshot(),
      named: this.#named.snapshot(),
    };
  }

  /**
   * Begins anew: all counts 0, `since` now. What is under way is counted when it ends, as if it had begun since. Whoever else
   * reads these metrics sees the counts go back; Prometheus takes that for a restart.
   */
  reset(): void {
    for (const counts of this.#namespaces.values()) counts.reset();
    this.#latencies.reset();
    this.#staleAge.reset();
    this.#coherenceLag?.reset();
    this.#hotKeys?.reset();
    this.#named.reset();
    this.#sources.reset();
    Object.assign(this.#backgroundErrors, noBackgroundErrors());
    this.#windows.restart(this.#clock.monotonic());
    this.#since = this.#clock.wall();
  }

  /** Takes a reading of the counts for the rates. It happens by itself every few seconds. For code of this package. */
  takeReading(): void {
    const counts = addUp([...this.#namespaces.values()].map((namespace) => namespace.counters()));
    this.#windows.note(this.#clock.monotonic(), counts);
  }
}

/** Keeps neither the process running nor the metrics from being collected: nobody has to close them. */
function readEverySoOften(metrics: WeakRef<CacheMetrics>): void {
  const timer = setInterval(() => {
    const living = metrics.deref();
    if (living) living.takeReading();
    else clearInterval(timer);
  }, READING_INTERVAL).unref();
}

function noBackgroundErrors(): Record<BackgroundOperation, number> {
  return { read: 0, fill: 0, refresh: 0, load: 0, get: 0, delete: 0, warm: 0, replay: 0, other: 0 };
}
