import type { CacheClient } from '../client/cache-client.js';
import type { ClientHealth, ClientStats } from '../client/client-options.js';
import type { Duration } from '../duration.js';
import { ClosedError, InvalidOptionError } from '../errors.js';
import { MultiLayerCache, type Loader } from '../layers/multi-layer-cache.js';
import type { CacheMetrics } from '../metrics/cache-metrics.js';
import type { RedisPort } from '../redis/port.js';
import type { Logger } from '../runtime/logger.js';
import { assertKey, describeValue, rejectUnknownOptions } from '../validate.js';
import { callOptions, ENTRY_OPTIONS, entryOptions, type EntryOptions } from './entry-options.js';
import { Resource, type ResourceDefinition, type ResourceId } from './resource.js';
import { wrapFunction, type WrapOptions } from './wrap.js';

/** What a cache is made of. For code of this package; applications call `createCache`. */
export interface ManagerParts {
  readonly port: RedisPort;
  readonly client: CacheClient;
  readonly metrics: CacheMetrics;
  readonly logger: Logger;
  readonly defaults: EntryOptions;
}

export interface CacheHealth {
  /** Whether every part is well. */
  readonly healthy: boolean;
  readonly redis: ClientHealth;
}

/** What all namespaces of one cache share. */
interface Shared extends Pick<ManagerParts, 'port' | 'metrics' | 'logger'> {
  readonly layers: Set<MultiLayerCache>;
  closed: boolean;
}

/**
 * The front door: cache-aside with one load at a time, over Redis.
 *
 * `getOrSet` never fails because of Redis. Reads (`get`, `getMany`, `has`, `ttl`) answer as if there were nothing where Redis
 * cannot tell. Explicit writes and deletes reject when they did not happen, or when that is unknown.
 */
export class CacheManager implements AsyncDisposable {
  readonly #shared: Shared;
  readonly #client: CacheClient;
  readonly #layers: MultiLayerCache;
  readonly #defaults: EntryOptions;
  readonly #namespaces = new Map<string, CacheManager>();

  /** Made by `createCache`. */
  constructor(parts: ManagerParts);
  /** @internal A namespace within another. */
  constructor(parts: Pick<ManagerParts, 'client' | 'defaults'>, shared: Shared);
  constructor(parts: ManagerParts | Pick<ManagerParts, 'client' | 'defaults'>, shared?: Shared) {
    this.#shared = shared ?? { ...(parts as ManagerParts), layers: new Set(), closed: false };
    this.#client = parts.client;
    this.#defaults = parts.defaults;
    this.#layers = new MultiLayerCache({
      client: this.#client,
      metrics: this.#shared.metrics,
      onBackgroundError: (error, operation, key) => {
        this.#shared.logger.debug(`${operation} failed and was done without`, { error, key });
      },
    });
    this.#shared.layers.add(this.#layers);
  }

  /** Counters and latencies, over all namespaces. */
  get metrics(): CacheMetrics {
    return this.#shared.metrics;
  }

  /**
   * Resolves when Redis answers. Optional: without it the cache works from the first call and connects meanwhile.
   *
   * @throws ConnectionError after `connectTimeout` or `maxRetries`; AuthenticationError; MissingPeerError.
   */
  async ready(): Promise<void> {
    await this.#shared.port.connect();
  }

  /**
   * The value under the key; where there is none, or Redis cannot tell, the loader's. However many callers ask at once, one
   * load runs and all share its value or its error. The value is stored behind the caller's back.
   *
   * @throws whatever the loader throws, unchanged; never because of Redis.
   */
  async getOrSet<T>(key: string, loader: Loader<T>, options?: EntryOptions): Promise<T> {
    this.#enter('getOrSet', key);
    if (typeof loader !== 'function') {
      throw new InvalidOptionError(`getOrSet: expected a function that loads, got ${describeValue(loader)}`);
    }
    return this.#layers.getOrSet(key, loader, callOptions(options, this.#defaults, 'getOrSet'));
  }

  /** The value, or `undefined`. */
  async get<T = unknown>(key: string): Promise<T | undefined> {
    this.#enter('get', key);
    return this.#layers.get<T>(key);
  }

  /** The values found, in the order asked; keys without one, or that Redis could not tell, are left out. */
  async getMany<T = unknown>(keys: Iterable<string>): Promise<Map<string, T>> {
    this.#enter('getMany');
    return this.#layers.getMany<T>([...keys]);
  }

  /** Resolves when Redis has the value; rejects when it has not, or when that is unknown. */
  async set(key: string, value: unknown, options?: EntryOptions): Promise<void> {
    this.#enter('set', key);
    await this.#layers.set(key, value, callOptions(options, this.#defaults, 'set'));
  }

  /** @throws BulkError with every key that was not written, or of which that is unknown. */
  async setMany(
    entries: Iterable<readonly [key: string, value: unknown]>,
    options?: EntryOptions,
  ): Promise<void> {
    this.#enter('setMany');
    await this.#layers.setMany(new Map(entries), callOptions(options, this.#defaults, 'setMany'));
  }

  /** Whether there was something to delete. A load under way is not stored any more. */
  async delete(key: string): Promise<boolean> {
    this.#enter('delete', key);
    return this.#layers.delete(key);
  }

  /** How many of the keys had something to delete. @throws BulkError with every key that was not deleted. */
  async deleteMany(keys: Iterable<string>): Promise<number> {
    this.#enter('deleteMany');
    return this.#layers.deleteMany([...keys]);
  }

  /** Whether there is an entry; false where Redis cannot tell. */
  async has(key: string): Promise<boolean> {
    this.#enter('has', key);
    return this.#orElse(false, () => this.#client.exists(key));
  }

  /** Milliseconds the entry has left: `Infinity` when it never expires, `undefined` when there is none or Redis cannot tell. */
  async ttl(key: string): Promise<number | undefined> {
    this.#enter('ttl', key);
    return this.#orElse(undefined, () => this.#client.ttl(key));
  }

  /** Gives the entry this long to live from now on. False when there is none. */
  async expire(key: string, ttl: Duration): Promise<boolean> {
    this.#enter('expire', key);
    return this.#client.expire(key, ttl);
  }

  /** A part with keys of its own, its own defaults, and the same connection. The same name gives the same object. */
  namespace(name: string, options?: EntryOptions): CacheManager {
    const known = this.#namespaces.get(name);
    if (known && options === undefined) return known;
    if (known) throw new InvalidOptionError(`namespace: '${name}' was made before; give its options there`);
    const client = this.#client.namespace(name);
    const defaults = callOptions(options, this.#defaults, 'namespace');
    const made = new CacheManager({ client, defaults }, this.#shared);
    this.#namespaces.set(name, made);
    return made;
  }

  /** A kind of thing, declared once with how it is loaded. */
  resource<Id extends ResourceId, T>(name: string, definition: ResourceDefinition<Id, T>): Resource<Id, T> {
    rejectUnknownOptions(definition, ['load', 'loadMany', 'maxBatch', ...ENTRY_OPTIONS], 'resource');
    return new Resource(name, definition, {
      cache: this,
      options: entryOptions(definition, this.#defaults),
    });
  }

  /** The function with its results cached by its arguments. */
  wrap<Args extends readonly unknown[], T>(
    name: string,
    fn: (...args: Args) => Promise<T> | T,
    options?: WrapOptions<Args>,
  ): (...args: Args) => Promise<T> {
    return wrapFunction(this, name, fn, options);
  }

  /** What was counted so far. Nothing is asked of Redis. */
  stats(): ClientStats {
    return this.#client.stats();
  }

  /** Asks each part whether it is well. Never rejects. */
  async healthCheck(): Promise<CacheHealth> {
    const redis = await this.#client.healthCheck();
    return { healthy: redis.healthy, redis };
  }

  /** Waits for writes under way, at most until their deadline, then disconnects. Closing any namespace closes the cache. */
  async close(): Promise<void> {
    if (this.#shared.closed) return;
    this.#shared.closed = true;
    await Promise.all([...this.#shared.layers].map((layers) => layers.settle()));
    await this.#shared.port.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Every call begins here: the cache must be open, and each key one. */
  #enter(operation: string, ...keys: readonly unknown[]): void {
    if (this.#shared.closed) throw new ClosedError(`${operation}: the cache was closed`, { operation });
    for (const key of keys) assertKey(key, operation);
  }

  async #orElse<T>(fallback: T, ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      this.#shared.logger.debug('a read failed and was done without', { error });
      return fallback;
    }
  }
}
