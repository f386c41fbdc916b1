import type { CacheClient } from '../client/cache-client.js';
import type { Duration } from '../duration.js';
import {
  attribute,
  BulkError,
  CacheError,
  ClosedError,
  InvalidOptionError,
  type KeyFailure,
} from '../errors.js';
import type { EntryPolicy } from '../layers/entry-policy.js';
import type { Loader } from '../layers/load.js';
import { LoadBatch, type LoadMany } from '../layers/load-batch.js';
import type { Entry, MultiLayerCache } from '../layers/multi-layer-cache.js';
import { distinctTags } from '../layers/tags/check-tags.js';
import type { CacheMetrics } from '../metrics/cache-metrics.js';
import type { ReadEvent } from '../metrics/channels.js';
import type { TimedAttempts } from '../metrics/latencies.js';
import type { CacheTracer } from '../metrics/observers.js';
import type { NamespaceMetrics } from '../metrics/namespace-metrics.js';
import type { MetricsSnapshot } from '../metrics/snapshot.js';
import { CachePreloader, type PreloaderParts } from '../preload/cache-preloader.js';
import type { PreloaderOptions, PreloadPattern } from '../preload/pattern.js';
import type { PortState } from '../redis/port.js';
import type { ResourceId } from '../strategies/resource-id.js';
import type { MemoryReport, MemoryReportOptions } from '../report/memory-report.js';
import { assertKey, describeValue, distinctKeys, positiveInteger } from '../validate.js';
import type { CacheHealth } from './cache-health.js';
import type { CacheParts } from './cache-parts.js';
import {
  callPolicy,
  entryPolicy,
  formatPolicy,
  type EntryOptions,
  type NamespaceOptions,
} from './entry-options.js';
import { gather } from './gather.js';
import { Resource, type ResourceDefinition, type ResourceHost } from './resource.js';
import { wrapFunction, type WrapOptions } from './wrap.js';

/** Options of one `getOrSet`. */
export interface GetOrSetOptions extends EntryOptions {
  /** Lets this caller leave. The load goes on for the others, and is aborted when nobody is left. */
  readonly signal?: AbortSignal;
}

/** Options of one `getOrSetMany`. */
export interface GetOrSetManyOptions extends GetOrSetOptions {
  /** Keys in one call of the loader. Default 1,000. */
  readonly maxBatch?: number;
}

export interface CacheStats extends MetricsSnapshot {
  /** Missing for a cache without Redis. */
  readonly state: PortState | undefined;
}

/** One namespace of a cache. For code of this package. */
export interface ManagerParts {
  readonly cache: CacheParts;
  /** Missing for a cache without Redis. */
  readonly client: CacheClient | undefined;
  readonly layers: MultiLayerCache;
  readonly counts: NamespaceMetrics;
  readonly policy: EntryPolicy;
  readonly path: readonly string[];
}

/** A namespace as the parts of this package see it that show or operate a cache. */
export interface ManagerInsides extends ManagerParts {
  /** Those within it that the application made. */
  readonly namespaces: ReadonlyMap<string, CacheManager>;
}

const insides = new WeakMap<CacheManager, ManagerInsides>();

/** What stands behind a cache. For code of this package; undefined for what is no cache of this copy of it. */
export function insidesOf(cache: CacheManager): ManagerInsides | undefined {
  return insides.get(cache);
}

/**
 * The front door: memory, Redis and the load as one.
 *
 * `getOrSet` never fails because of Redis. Reads (`get`, `getMany`, `has`, `ttl`) answer as if there were nothing where Redis
 * cannot tell. Explicit writes and deletes reject when they did not happen, or when that is unknown; what they were to
 * replace is then not served here any more, and removed from Redis as soon as that answers.
 */
export class CacheManager implements AsyncDisposable {
  readonly #cache: CacheParts;
  readonly #client: CacheClient | undefined;
  readonly #layers: MultiLayerCache;
  readonly #counts: NamespaceMetrics;
  readonly #policy: EntryPolicy;
  readonly #path: readonly string[];
  readonly #namespaces = new Map<string, CacheManager>();

  /** Made by `createCache`. */
  constructor(parts: ManagerParts) {
    this.#cache = parts.cache;
    this.#client = parts.client;
    this.#layers = parts.layers;
    this.#counts = parts.counts;
    this.#policy = parts.policy;
    this.#path = parts.path;
    insides.set(this, { ...parts, namespaces: this.#namespaces });
  }

  /** Counters and latencies, over all namespaces. */
  get metrics(): CacheMetrics {
    return this.#cache.metrics;
  }

  /**
   * Resolves when Redis answers, and when what is to be preloaded with `warmUp` is. Optional: without it the cache works from the
   * first call and connects meanwhile.
   *
   * @throws ConnectionError after `connectTimeout` or `maxRetries`; AuthenticationError; MissingPeerError.
   */
  async ready(): Promise<void> {
    await this.#cache.connect();
    await this.#layers.warm();
    await this.#cache.warmedUp();
  }

  /**
   * The value under the key, from memory, from Redis, or else from the loader. However many callers ask at once, over all
   * processes, one load runs and all share its value; within the process its error too. It is stored behind the caller's back.
   *
   * @throws whatever the loader throws, unchanged; DeadlineError past `timeout.hard`; never because of Redis.
   */
  getOrSet<T>(key: string, loader: Loader<T>, options?: GetOrSetOptions): Promise<T> {
    if (options?.memory !== false) {
      const held = this.#layers.peek<T>(key);
      if (held !== undefined) return Promise.resolve(held);
    }
    try {
      return this.#load(key, loader, options);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Each key as `getOrSet` does it, and all of them together: one read for those that are not in memory, and one call of the loader
   * for those that are nowhere and that nobody else loads. What others load, here or in another process, is waited for
   * and shared. Answers in the order asked, without the keys there is nothing for.
   *
   * @param loadMany - gives the values in the order of its keys, or a Map; an `Error` in the place of one that failed.
   * @throws BulkError where keys failed: `failures` has what the loader threw for each, and `results` the values of the others.
   */
  async getOrSetMany<T>(
    keys: Iterable<string>,
    loadMany: LoadMany<string, T>,
    options: GetOrSetManyOptions = {},
  ): Promise<Map<string, Exclude<T, undefined>>> {
    this.#enter('getOrSetMany');
    const asked = distinctKeys(keys, 'getOrSetMany');
    assertLoader(loadMany, 'getOrSetMany');
    const { signal, maxBatch = 1000, ...entry } = options;
    const most = positiveInteger(maxBatch, 'maxBatch');
    const policy = callPolicy(entry, this.#policy, 'getOrSetMany');
    this.#counts.getOrSetManyCalls++;
    const found = new Map<string, T>();
    const failures = new Map<string, KeyFailure>();
    for (let start = 0; start < asked.length; start += most) {
      signal?.throwIfAborted();
      const chunk = asked.slice(start, start + most);
      const batch = new LoadBatch(loadMany, most);
      const outcomes = await this.#layers.getOrSetMany(chunk, batch, policy, signal);
      gather(chunk, outcomes, found, failures);
    }
    signal?.throwIfAborted();
    if (failures.size > 0) {
      throw new BulkError(failures, asked.length, { operation: 'getOrSetMany', results: found });
    }
    return found as Map<string, Exclude<T, undefined>>;
  }

  /** The value in memory, if it may be served as it is. Synchronous; nothing is asked of Redis. */
  peek<T = unknown>(key: string): T | undefined {
    return this.#layers.peek<T>(key);
  }

  /** The value, or `undefined`. Nothing is loaded. */
  get<T = unknown>(key: string): Promise<T | undefined> {
    const held = this.#layers.peek<T>(key);
    if (held !== undefined) return Promise.resolve(held);
    try {
      this.#enter('get', key);
      return this.#layers.get<T>(key, this.#policy);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** The value with what is known of it: which layer answered, its age, whether it is stale, its tags. */
  async getEntry<T = unknown>(key: string): Promise<Entry<T> | undefined> {
    this.#enter('getEntry', key);
    return this.#layers.getEntry<T>(key, this.#policy);
  }

  /** The values found, in the order asked; keys without one, or that Redis could not tell, are left out. Nothing is loaded. */
  async getMany<T = unknown>(keys: Iterable<string>): Promise<Map<string, T>> {
    this.#enter('getMany');
    const asked = distinctKeys(keys, 'getMany');
    this.#counts.getManyCalls++;
    const values = await this.#layers.getMany<T>(asked, this.#policy);
    const found = new Map<string, T>();
    for (const [place, value] of values.entries()) {
      if (value !== undefined) found.set(asked[place] as string, value);
    }
    return found;
  }

  /** Resolves when Redis has the value; rejects when it has not, or when that is unknown. */
  set(key: string, value: unknown, options?: EntryOptions): Promise<void> {
    try {
      this.#enter('set', key);
      return this.#layers.set(key, value, callPolicy(options, this.#policy, 'set'));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Each entry by itself, in one pipeline: some may be written though others fail.
   *
   * @throws BulkError with every key that was not written, or of which that is unknown.
   */
  async setMany(
    entries: Iterable<readonly [key: string, value: unknown]>,
    options?: EntryOptions,
  ): Promise<void> {
    const values = new Map(entries);
    const keys = [...values.keys()];
    this.#enter('setMany', ...keys);
    const policy = callPolicy(options, this.#policy, 'setMany');
    this.#counts.setManyCalls++;
    const writing = this.#layers.setMany(values, policy);
    const failures = await this.#timed(
      this.#counts.latencies.setMany,
      writing,
      (failed) => failed.size === 0,
    );
    this.#throwIfAny(failures, values.size, 'setMany');
  }

  /** Whether there was a value. A load under way is not stored any more, in whichever process it runs. */
  async delete(key: string): Promise<boolean> {
    this.#enter('delete', key);
    return this.#attempt('delete', key, this.#layers.delete(key));
  }

  /** How many of the keys had a value. @throws BulkError with every key that was not deleted. */
  async deleteMany(keys: Iterable<string>): Promise<number> {
    this.#enter('deleteMany');
    const asked = distinctKeys(keys, 'deleteMany');
    this.#counts.deleteManyCalls++;
    const { had, failures } = await this.#timed(
      this.#counts.latencies.deleteMany,
      this.#layers.deleteMany(asked),
      (outcome) => outcome.failures.size === 0,
    );
    this.#throwIfAny(failures, asked.length, 'deleteMany');
    let removed = 0;
    for (const each of had.values()) if (each) removed++;
    return removed;
  }

  /**
   * Removes all entries of this namespace, from memory and from Redis, and voids the loads under way, in whichever process they
   * run. Namespaces within it keep theirs. Resolves when nothing is left of what was there; of what is stored meanwhile nothing is
   * certain. It goes over all keys of the servers, so it takes longer the more of them there are.
   *
   * @throws InvalidOptionError for bare keys (namespace `''`), since those of others would go with them; CacheError where not
   * all was removed: what is left is not served here any more, and is removed as soon as Redis answers.
   */
  async clear(): Promise<void> {
    this.#enter('clear');
    if (this.#cache.port && this.#path.length === 0) {
      throw new InvalidOptionError(
        'bare keys cannot be cleared: the keys of other programs would go with them',
        { operation: 'clear' },
      );
    }
    await this.#attempt('clear', undefined, this.#layers.clear());
  }

  /** From here on no entry with one of these tags is served, by any process. @throws BulkError with those not told. */
  async invalidateTags(tags: readonly string[]): Promise<void> {
    this.#enter('invalidateTags');
    await this.#layers.invalidateTags(distinctTags(tags, 'invalidateTags'));
  }

  /** Whether there is a value; false where Redis cannot tell. */
  async has(key: string): Promise<boolean> {
    this.#enter('has', key);
    if (this.#layers.peek(key) !== undefined) return true;
    return this.#orElse(false, async (client) => client.exists(key));
  }

  /** Milliseconds Redis keeps the entry: `Infinity` when for ever, `undefined` when there is none or Redis cannot tell. */
  async ttl(key: string): Promise<number | undefined> {
    this.#enter('ttl', key);
    return this.#orElse(undefined, async (client) => client.ttl(key));
  }

  /** Gives the entry this long to live from now on. False when there is none. */
  async expire(key: string, ttl: Duration): Promise<boolean> {
    this.#enter('expire', key);
    if (!this.#client) throw new InvalidOptionError('expire: this cache has no Redis');
    try {
      return await this.#client.expire(key, ttl);
    } finally {
      this.#layers.supersede(key);
    }
  }

  /** A part with keys of its own, its own defaults, and the same connection and memory. The same name gives the same object. */
  namespace(name: string, options?: NamespaceOptions): CacheManager {
    const known = this.#namespaces.get(name);
    if (known && options === undefined) return known;
    if (known) throw new InvalidOptionError(`namespace: '${name}' was made before; give its options there`);
    const path = [...this.#path, name];
    const { format, ...entry } = options ?? {};
    const policy = callPolicy(entry, formatPolicy(format, this.#policy), 'namespace');
    const opened = this.#cache.openNamespace(path, policy.plain);
    const made = new CacheManager({ cache: this.#cache, path, policy, ...opened });
    this.#namespaces.set(name, made);
    return made;
  }

  /** A kind of thing, declared once with how it is loaded. */
  resource<Id extends ResourceId, T>(name: string, definition: ResourceDefinition<Id, T>): Resource<Id, T> {
    const host: ResourceHost = {
      peek: (key) => this.#layers.peek(key),
      getOrSet: (key, loader, policy, round) => {
        this.#enter('getOrSet', key);
        return this.#layers.getOrSet(key, loader, policy, undefined, round);
      },
      set: (key, value, options) => this.set(key, value, options),
      delete: (key) => this.delete(key),
      deleteMany: (keys) => this.deleteMany(keys),
      writing: {
        layers: this.#layers,
        policyOf: (options) => entryPolicy(options, this.#policy),
        openQueue: (queue, options, save, onDead) =>
          this.#cache.openWriteQueue(this.#path, queue, options, save, onDead),
        enter: (operation) => this.#enter(operation),
      },
    };
    return new Resource(name, definition, host);
  }

  /**
   * Keeps sets of entries in the cache, each loaded on its schedule by one process of the fleet. Starts at once; ends with the cache.
   *
   * @throws InvalidOptionError
   */
  preload(patterns: readonly PreloadPattern[], options?: PreloaderOptions): CachePreloader {
    this.#enter('preload');
    const turns = this.metrics.counter('preload.turns');
    const failures = this.metrics.counter('preload.failures');
    const parts: PreloaderParts = {
      target: this,
      fleet: this.#cache.fleetTurns(this.#path),
      logger: this.#cache.logger,
      onTurn: (failed) => {
        turns.add();
        if (failed) failures.add();
      },
    };
    const preloader = new CachePreloader(parts, patterns, options);
    this.#cache.addPreloader(preloader);
    return preloader.start();
  }

  /** The function with its results cached by its arguments. */
  wrap<Args extends readonly unknown[], T>(
    name: string,
    fn: (...args: Args) => Promise<T> | T,
    options?: WrapOptions<Args>,
  ): (...args: Args) => Promise<T> {
    return wrapFunction(this, name, fn, options);
  }

  /** Calls the listener with every answer: its layer, its age, and whether it was stale. Returns what ends that. */
  onRead(listener: (event: ReadEvent) => void): () => void {
    return this.#cache.observers.onRead(listener);
  }

  /**
   * Lets a tracer follow loads, and what is asked of Redis for a caller, in all namespaces; `tiercel/otel` has one. Returns what
   * ends that.
   *
   * @throws InvalidOptionError where there is a tracer already.
   */
  trace(tracer: CacheTracer): () => void {
    return this.#cache.observers.trace(tracer);
  }

  /** What was counted so far, over all namespaces. Nothing is asked of Redis. */
  stats(): CacheStats {
    const { metrics, port } = this.#cache;
    return { ...metrics.snapshot(), state: port?.state };
  }

  /**
   * What this namespace and those within it take in Redis, by kinds, namespaces and codecs, and what they would take if
   * they were stored otherwise. It looks at so many keys, for so long at most, and says what of it is estimated.
   *
   * @throws InvalidOptionError, also for a cache without Redis; CacheError of the first command that failed.
   */
  async memory(options: MemoryReportOptions = {}): Promise<MemoryReport> {
    this.#enter('memory');
    try {
      return await this.#cache.reportMemory(this.#path, options);
    } catch (error) {
      throw error instanceof CacheError ? attribute(error, 'memory') : error;
    }
  }

  /** Asks each part whether it is well. Never rejects. */
  async healthCheck(): Promise<CacheHealth> {
    return this.#cache.health(await this.#client?.healthCheck());
  }

  /** Whether it was closed: from then on every call rejects. */
  get closed(): boolean {
    return this.#cache.closed;
  }

  /** Waits for writes under way, at most until their deadline, then disconnects. Closing any namespace closes the cache. */
  async close(): Promise<void> {
    await this.#cache.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #load<T>(key: string, loader: Loader<T>, options: GetOrSetOptions | undefined): Promise<T> {
    this.#enter('getOrSet', key);
    assertLoader(loader, 'getOrSet');
    if (options === undefined) return this.#layers.getOrSet(key, loader, this.#policy, undefined);
    const { signal, ...entry } = options;
    return this.#layers.getOrSet(key, loader, callPolicy(entry, this.#policy, 'getOrSet'), signal);
  }

  /** Every call begins here: the cache must be open, and each key one. */
  #enter(operation: string, ...keys: readonly unknown[]): void {
    if (this.#cache.closed) throw new ClosedError(`${operation}: the cache was closed`, { operation });
    for (const key of keys) assertKey(key, operation);
  }

  async #attempt<R>(operation: string, key: string | undefined, work: Promise<R>): Promise<R> {
    try {
      return await work;
    } catch (error) {
      throw error instanceof CacheError ? attribute(error, operation, key) : error;
    }
  }

  #throwIfAny(failures: ReadonlyMap<string, CacheError>, total: number, operation: string): void {
    if (failures.size === 0) return;
    for (const [key, error] of failures) attribute(error, operation, key);
    throw new BulkError(failures, total, { operation });
  }

  /** Times a bulk call, where it goes to Redis. */
  async #timed<T>(into: TimedAttempts, work: Promise<T>, isOk: (outcome: T) => boolean): Promise<T> {
    const began = performance.now();
    const outcome = await work;
    if (this.#client) into[isOk(outcome) ? 'ok' : 'error'].record(performance.now() - began);
    return outcome;
  }

  async #orElse<T>(fallback: T, ask: (client: CacheClient) => Promise<T>): Promise<T> {
    if (!this.#client) return fallback;
    try {
      return await ask(this.#client);
    } catch (error) {
      this.#cache.logger.debug('a read failed and was done without', { error });
      return fallback;
    }
  }
}

function assertLoader(loader: unknown, operation: string): void {
  if (typeof loader === 'function') return;
  throw new InvalidOptionError(`${operation}: expected a function that loads, got ${describeValue(loader)}`);
}
