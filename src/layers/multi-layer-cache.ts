import type { CacheClient } from '../client/cache-client.js';
import type { WriteOptions } from '../client/client-options.js';
import type { CacheMetrics } from '../metrics/cache-metrics.js';
import { SingleFlight, type Flight } from './single-flight.js';

/** What a loader is told. */
export interface LoadContext {
  /** The key as the caller gave it. */
  readonly key: string;
}

/** Gets the value from where it really lives. `undefined` means that there is none; it is passed on and not stored. */
export type Loader<T> = (context: LoadContext) => Promise<T> | T;

export interface MultiLayerParts {
  readonly client: CacheClient;
  readonly metrics: CacheMetrics;
  /** Takes the failures that no caller is told of. */
  readonly onBackgroundError: (error: unknown, operation: string, key: string) => void;
}

/**
 * The way of one namespace's values: Redis, then the load.
 *
 * Reads do without Redis: where it fails, the load answers. Writes and deletes tell the truth, and reject.
 */
export class MultiLayerCache {
  readonly #client: CacheClient;
  readonly #metrics: CacheMetrics;
  readonly #onBackgroundError: MultiLayerParts['onBackgroundError'];
  readonly #flights = new SingleFlight();
  readonly #fills = new Set<Promise<void>>();

  constructor(parts: MultiLayerParts) {
    this.#client = parts.client;
    this.#metrics = parts.metrics;
    this.#onBackgroundError = parts.onBackgroundError;
  }

  /** The value, from Redis or else from the loader: one read and one load for however many callers ask at once. */
  getOrSet<T>(key: string, loader: Loader<T>, options: WriteOptions): Promise<T> {
    const underWay = this.#flights.join<T>(key);
    if (underWay) {
      this.#metrics.increment('coalesced');
      return underWay;
    }
    return this.#flights.start(key, (flight) => this.#readOrLoad(key, loader, options, flight));
  }

  /** The value in Redis; `undefined` where there is none, and where Redis cannot tell. */
  async get<T>(key: string): Promise<T | undefined> {
    try {
      return await this.#client.get<T>(key);
    } catch (error) {
      this.#onBackgroundError(error, 'get', key);
      return undefined;
    }
  }

  /** The values found, in the order asked. What could not be read is left out. */
  async getMany<T>(keys: readonly string[]): Promise<Map<string, T>> {
    const { found, failures } = await this.#client.readMany<T>(keys);
    for (const [key, error] of failures) this.#onBackgroundError(error, 'getMany', key);
    return found;
  }

  async set(key: string, value: unknown, options: WriteOptions): Promise<void> {
    this.#flights.outdate(key);
    await this.#client.set(key, value, options);
  }

  async setMany(entries: ReadonlyMap<string, unknown>, options: WriteOptions): Promise<void> {
    for (const key of entries.keys()) this.#flights.outdate(key);
    await this.#client.setMany(entries, options);
  }

  async delete(key: string): Promise<boolean> {
    this.#flights.outdate(key);
    return this.#client.delete(key);
  }

  async deleteMany(keys: readonly string[]): Promise<number> {
    for (const key of keys) this.#flights.outdate(key);
    return this.#client.deleteMany(keys);
  }

  /** Waits for the writes that nobody awaits; each settles by its deadline. */
  async settle(): Promise<void> {
    await Promise.all(this.#fills);
  }

  async #readOrLoad<T>(key: string, loader: Loader<T>, options: WriteOptions, flight: Flight): Promise<T> {
    const cached = await this.get<T>(key);
    if (cached !== undefined) return cached;
    this.#metrics.increment('loads');
    const value = await loader({ key });
    // A value loaded before a write or a delete of its key must not come after it.
    if (value !== undefined && !flight.outdated) this.#fill(key, value, options);
    return value;
  }

  /** The caller has the value and need not wait until Redis has it too. */
  #fill(key: string, value: unknown, options: WriteOptions): void {
    const fill = this.#client
      .set(key, value, options)
      .catch((error: unknown) => this.#onBackgroundError(error, 'fill', key))
      .finally(() => this.#fills.delete(fill));
    this.#fills.add(fill);
  }
}
