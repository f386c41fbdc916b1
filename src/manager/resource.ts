import { InvalidOptionError } from '../errors.js';
import { describeValue, positiveInteger } from '../validate.js';
import type { CacheManager } from './cache-manager.js';
import type { EntryOptions } from './entry-options.js';
import { LoadBatcher, type LoadMany } from './load-batcher.js';

/** What names one thing of a kind. `42` and `'42'` are the same thing. */
export type ResourceId = string | number | bigint;

/** How the things of one kind are loaded and kept. One of `load` and `loadMany` is needed; with both, `getMany` takes the latter. */
export interface ResourceDefinition<Id extends ResourceId, T> extends EntryOptions {
  /** `undefined` means that there is none; it is passed on and not stored. */
  readonly load?: (id: Id) => Promise<T> | T;
  /**
   * Loads many at once: the values in the order of the ids, an `Error` in place of one that failed, `undefined` in place of
   * one that does not exist; or a Map from id to value. The misses of one turn of the event loop become one call.
   */
  readonly loadMany?: LoadMany<Id, T>;
  /** Ids in one `loadMany`. Default 100. */
  readonly maxBatch?: number;
}

/**
 * A typed kind of thing under one name: the keys are `name:id`.
 *
 * @example
 * const profiles = cache.resource('user_profile', { load: (id: number) => db.profile(id), ttl: '15m' })
 * await profiles.get(42)
 */
export class Resource<Id extends ResourceId, T> {
  readonly name: string;
  readonly #cache: CacheManager;
  readonly #options: EntryOptions;
  readonly #load: (id: Id) => Promise<T> | T;

  constructor(name: string, definition: ResourceDefinition<Id, T>, cache: CacheManager) {
    // A colon in a name would let `a` with the id `b:c` and `a:b` with the id `c` share a key.
    if (typeof name !== 'string' || name === '' || name.includes(':')) {
      throw new InvalidOptionError(
        `resource: expected a name that is not empty and has no colon, got ${describeValue(name)}`,
      );
    }
    this.name = name;
    this.#cache = cache;
    const { load: _load, loadMany: _loadMany, maxBatch: _maxBatch, ...options } = definition;
    this.#options = options;
    this.#load = loaderOf(name, definition);
  }

  /** The thing, from the cache or else loaded. */
  async get(id: Id): Promise<T> {
    return this.#cache.getOrSet(this.key(id), () => this.#load(id), this.#options);
  }

  /** The things that exist, in the order asked. Those that are missing in the cache are loaded together. */
  async getMany(ids: Iterable<Id>): Promise<Map<Id, NonNullable<T> | Extract<T, null>>> {
    const asked = [...new Set(ids)];
    const values = await Promise.all(asked.map((id) => this.get(id)));
    const found = new Map<Id, NonNullable<T> | Extract<T, null>>();
    for (const [i, id] of asked.entries()) {
      const value = values[i];
      if (value !== undefined) found.set(id, value as NonNullable<T> | Extract<T, null>);
    }
    return found;
  }

  /** Stores a value that is known to be the newest. */
  async set(id: Id, value: T): Promise<void> {
    await this.#cache.set(this.key(id), value, this.#options);
  }

  /** Whether there was something to delete. */
  async delete(id: Id): Promise<boolean> {
    return this.#cache.delete(this.key(id));
  }

  async deleteMany(ids: Iterable<Id>): Promise<number> {
    return this.#cache.deleteMany([...ids].map((id) => this.key(id)));
  }

  /** The key that the cache knows this thing by. */
  key(id: Id): string {
    if (typeof id !== 'string' && typeof id !== 'bigint' && !Number.isFinite(id)) {
      throw new InvalidOptionError(`${this.name}: expected an id, got ${describeValue(id)}`);
    }
    return `${this.name}:${id}`;
  }
}

function loaderOf<Id extends ResourceId, T>(
  name: string,
  { load, loadMany, maxBatch }: ResourceDefinition<Id, T>,
): (id: Id) => Promise<T> | T {
  for (const [option, given] of Object.entries({ load, loadMany })) {
    if (given !== undefined && typeof given !== 'function') {
      throw new InvalidOptionError(`${name}.${option}: expected a function, got ${describeValue(given)}`);
    }
  }
  if (loadMany) {
    const batcher = new LoadBatcher(loadMany, positiveInteger(maxBatch ?? 100, `${name}.maxBatch`));
    return (id) => batcher.load(id);
  }
  if (load) return load;
  throw new InvalidOptionError(`${name}: a resource needs load or loadMany`);
}
