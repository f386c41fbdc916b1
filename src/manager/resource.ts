import { nameDictionary } from '../codec/compression/compression.js';
import { parseDuration, type Duration } from '../duration.js';
import { BulkError, EncodeError, InvalidOptionError, type KeyFailure } from '../errors.js';
import type { EntryPolicy } from '../layers/entry-policy.js';
import type { LoadContext, Loader } from '../layers/load.js';
import type { LoadBatch, LoadMany } from '../layers/load-batch.js';
import type { LoadRound } from '../layers/single-flight.js';
import { loadThrough } from '../strategies/read-through.js';
import { eagernessOf } from '../strategies/refresh-ahead.js';
import type { ResourceId } from '../strategies/resource-id.js';
import {
  saveBatchOf,
  sinkOf,
  STORE_OPTIONS,
  writeMode,
  type ResourceStore,
} from '../strategies/resource-store.js';
import { WriteAround } from '../strategies/write-around.js';
import { WriteBehind } from '../strategies/write-behind.js';
import type { DeadLetters } from '../strategies/write-behind/dead-letters.js';
import type { SaveBatch } from '../strategies/write-behind/store.js';
import type { WriteBehindOptions } from '../strategies/write-behind/write-behind-options.js';
import type { WriteBacklog, WriteQueue } from '../strategies/write-behind/write-queue.js';
import type { WriteStrategy, WrittenLayers } from '../strategies/write-strategy.js';
import { WriteThrough } from '../strategies/write-through.js';
import { describeValue, positiveInteger, rejectUnknownOptions } from '../validate.js';
import { ENTRY_OPTIONS, type EntryOptions } from './entry-options.js';
import { gather } from './gather.js';
import { TurnBatches } from './turn-batches.js';

const RESOURCE_OPTIONS = ['load', 'loadMany', 'maxBatch', 'refresh', ...STORE_OPTIONS, ...ENTRY_OPTIONS];

/** How the things of one kind are loaded, written and kept. One of `load` and `loadMany` is needed; with both, the latter is used. */
export interface ResourceDefinition<Id extends ResourceId, T>
  extends Omit<EntryOptions, 'tags'>, ResourceStore<Id, T> {
  /** `undefined` means that there is none; it is passed on and not stored. */
  readonly load?: (id: Id, context: LoadContext) => Promise<T> | T;
  /**
   * Loads many at once: the values in the order of the ids, an `Error` in place of one that failed, `undefined` in place of
   * one that does not exist; or a Map from id to value. What is missing of all that was asked for in one turn of the event loop
   * becomes one call.
   */
  readonly loadMany?: LoadMany<Id, T>;
  /** Ids in one `loadMany`. Default 100. */
  readonly maxBatch?: number;
  /** What each thing is about: the same for all, or made from its value. See `CacheManager.invalidateTags`. */
  readonly tags?: readonly string[] | ((value: T, id: Id) => readonly string[]);
  /** `ahead`: what is asked for shortly before it expires is loaded anew behind the callers' backs. Default: when it has expired. */
  readonly refresh?: 'ahead';
}

/** What a resource needs of the namespace it belongs to. */
export interface ResourceHost {
  peek<T>(key: string): T | undefined;
  /** @param round - of what was asked for together; see `LoadBatch`. */
  getOrSet<T>(key: string, loader: Loader<T>, policy: EntryPolicy, round: LoadRound | undefined): Promise<T>;
  set(key: string, value: unknown, options: EntryOptions): Promise<void>;
  delete(key: string): Promise<boolean>;
  deleteMany(keys: Iterable<string>): Promise<number>;
  /** For the strategies of writing. */
  readonly writing: {
    readonly layers: WrittenLayers;
    policyOf(options: EntryOptions): EntryPolicy;
    /** @throws InvalidOptionError without Redis, or where the name has a queue already. */
    openQueue<T>(
      name: string,
      options: WriteBehindOptions | undefined,
      save: SaveBatch<T>,
      onDead: (id: ResourceId) => void,
    ): WriteQueue<T>;
    /** A call begins: the cache must be open. */
    enter(operation: string): void;
  };
}

/**
 * A typed kind of thing under one name: the keys are `name:id`.
 *
 * @example
 * const profiles = cache.resource('user_profile', {
 *   load: (id: number) => db.profile(id),
 *   save: (id, profile) => db.saveProfile(id, profile),
 *   ttl: '15m',
 * })
 * await profiles.get(42)
 * await profiles.save(42, profile)
 */
export class Resource<Id extends ResourceId, T> {
  readonly name: string;
  readonly #host: ResourceHost;
  readonly #options: EntryOptions;
  readonly #tags: ((value: T, id: Id) => readonly string[]) | undefined;
  readonly #policy: EntryPolicy;
  /** Not used with `loadMany`. */
  readonly #load: (id: Id, context: LoadContext) => Promise<T> | T;
  readonly #batches: TurnBatches<Id, T> | undefined;
  readonly #strategy: WriteStrategy<T> | undefined;
  readonly #queue: WriteQueue<T> | undefined;

  /** Made by `CacheManager.resource`. @throws InvalidOptionError */
  constructor(name: string, definition: ResourceDefinition<Id, T>, host: ResourceHost) {
    // A colon in a name would let `a` with the id `b:c` and `a:b` with the id `c` share a key.
    if (typeof name !== 'string' || name === '' || name.includes(':')) {
      throw new InvalidOptionError(
        `resource: expected a name that is not empty and has no colon, got ${describeValue(name)}`,
      );
    }
    rejectUnknownOptions(definition, RESOURCE_OPTIONS, 'resource');
    this.name = name;
    this.#host = host;
    this.#options = entryOptions(definition, name);
    this.#policy = host.writing.policyOf(this.#options); // a wrong option is told here, not with the first call
    this.#tags = typeof definition.tags === 'function' ? definition.tags : undefined;
    assertLoads(name, definition);
    const { load, loadMany, maxBatch = 100 } = definition;
    this.#load = load as NonNullable<typeof load>;
    const most = positiveInteger(maxBatch, `${name}.maxBatch`);
    this.#batches = loadMany && new TurnBatches(loadMany, most);
    const mode = writeMode(definition, name);
    const { layers } = host.writing;
    if (mode === 'behind') {
      const forget = (id: ResourceId): void => void layers.forget(this.key(id as Id));
      this.#queue = host.writing.openQueue(name, definition.behind, saveBatchOf(definition, name), forget);
      this.#strategy = new WriteBehind(layers, this.#queue);
    } else if (mode !== undefined) {
      const sink = sinkOf(definition, name);
      this.#strategy = mode === 'around' ? new WriteAround(layers, sink) : new WriteThrough(layers, sink);
    }
  }

  /** The thing, from the cache or else loaded. */
  async get(id: Id): Promise<T> {
    const key = this.key(id);
    if (this.#policy.memory !== 0) {
      const held = this.#host.peek<T>(key);
      if (held !== undefined) return held;
    }
    const batch = this.#batches?.ofThisTurn();
    return this.#host.getOrSet(key, (context) => this.#loadThrough(id, context, batch), this.#policy, batch);
  }

  /**
   * The things that exist, in the order asked. Those that are missing in the cache are loaded together.
   *
   * @throws BulkError where some failed: `failures` has what was thrown for each and `results` the others, both by `key(id)`.
   */
  async getMany(ids: Iterable<Id>): Promise<Map<Id, NonNullable<T> | Extract<T, null>>> {
    const asked = [...new Set(ids)];
    const found = new Map<Id, T>();
    const failures = new Map<Id, KeyFailure>();
    gather(asked, await Promise.allSettled(asked.map((id) => this.get(id))), found, failures);
    if (failures.size > 0) {
      const results = this.#byKey(found);
      throw new BulkError(this.#byKey(failures), asked.length, { operation: 'getMany', results });
    }
    return found as Map<Id, NonNullable<T> | Extract<T, null>>;
  }

  /** Stores a value in the cache alone, that is known to be the newest. See `save` for the database too. */
  async set(id: Id, value: T): Promise<void> {
    await this.#host.set(this.key(id), value, this.#optionsOf(id, value));
  }

  /** Has the cache forget the thing. Whether there was something to forget. See `remove` for the database too. */
  async delete(id: Id): Promise<boolean> {
    return this.#host.delete(this.key(id));
  }

  /** How many of the things the cache had. */
  async deleteMany(ids: Iterable<Id>): Promise<number> {
    return this.#host.deleteMany([...ids].map((id) => this.key(id)));
  }

  /**
   * Writes the thing to the database, and sees to the cache, in the way of the option `write`. Resolves when the database has it, or
   * with write-behind when Redis holds it for the database.
   *
   * @throws what the database's function throws; with write-behind OverloadedError and the errors of Redis; InvalidOptionError where
   * the resource was declared without `save`.
   */
  async save(id: Id, value: T): Promise<void> {
    const key = this.key(id);
    const strategy = this.#written('save');
    if (value === undefined) {
      throw new EncodeError('undefined means that there is none; see remove', { operation: 'save', key });
    }
    await strategy.save({ id, key, value, policy: this.#host.writing.policyOf(this.#optionsOf(id, value)) });
  }

  /** The same for many, side by side. @throws BulkError with every key that failed with an error of ours; else the first error. */
  async saveMany(entries: Iterable<readonly [id: Id, value: T]>): Promise<void> {
    await settled([...new Map(entries)].map(([id, value]) => this.save(id, value)));
  }

  /** Removes the thing from the database, and has the cache forget it, in the same way. */
  async remove(id: Id): Promise<void> {
    await this.#written('remove').remove({ id, key: this.key(id) });
  }

  /**
   * With write-behind: resolves when all that was acknowledged before is in the database or among the dead letters.
   *
   * @param timeout - default 30 s.
   * @returns how many writes are left when the time is up.
   */
  async flush(timeout: Duration = 30_000): Promise<number> {
    return this.#behind('flush').flush(parseDuration(timeout, 'flush', { min: 0 }));
  }

  /** With write-behind: how many writes wait for the database, over all processes. */
  async backlog(): Promise<WriteBacklog> {
    return this.#behind('backlog').backlog();
  }

  /** With write-behind: what the database kept refusing. */
  get deadLetters(): DeadLetters<T> {
    return this.#behind('deadLetters').deadLetters;
  }

  /** The key that the cache knows this thing by. */
  key(id: Id): string {
    if (typeof id !== 'string' && typeof id !== 'bigint' && !Number.isFinite(id)) {
      throw new InvalidOptionError(`${this.name}: expected an id, got ${describeValue(id)}`);
    }
    return `${this.name}:${id}`;
  }

  async #loadThrough(id: Id, context: LoadContext, batch: LoadBatch<Id, T> | undefined): Promise<T> {
    const load = (): Promise<T> | T => (batch ? batch.load(id, context) : this.#load(id, context));
    const value = await loadThrough(id, context, load, this.#strategy);
    if (this.#tags && value !== undefined) context.setTags(this.#tags(value, id));
    return value;
  }

  #byKey<V>(values: ReadonlyMap<Id, V>): Map<string, V> {
    return new Map([...values].map(([id, value]) => [this.key(id), value]));
  }

  #optionsOf(id: Id, value: T): EntryOptions {
    return this.#tags ? { ...this.#options, tags: this.#tags(value, id) } : this.#options;
  }

  #written(operation: string): WriteStrategy<T> {
    this.#host.writing.enter(operation);
    if (this.#strategy) return this.#strategy;
    throw new InvalidOptionError(`${operation}: ${this.name} was declared without save, saveMany and remove`);
  }

  #behind(operation: string): WriteQueue<T> {
    if (this.#queue) return this.#queue;
    throw new InvalidOptionError(`${operation}: ${this.name} was declared without write: 'behind'`);
  }
}

/** Those that concern an entry, with what the options of a resource mean for it. */
function entryOptions<Id extends ResourceId, T>(
  definition: ResourceDefinition<Id, T>,
  name: string,
): EntryOptions {
  const options: Record<string, unknown> = {};
  for (const option of ENTRY_OPTIONS) {
    if (definition[option] !== undefined) options[option] = definition[option];
  }
  if (typeof options['tags'] === 'function') delete options['tags'];
  if (definition.compression !== undefined) {
    options['compression'] = nameDictionary(definition.compression, name);
  }
  const eagerness = eagernessOf(definition.refresh, name);
  if (eagerness !== undefined) options['earlyRefresh'] ??= eagerness;
  return options;
}

/** Waits for all, whatever becomes of each. @throws the first error. */
async function settled(work: ReadonlyArray<Promise<unknown>>): Promise<void> {
  const failed = (await Promise.allSettled(work)).find((outcome) => outcome.status === 'rejected');
  if (failed) throw failed.reason;
}

function assertLoads<Id extends ResourceId, T>(
  name: string,
  { load, loadMany }: ResourceDefinition<Id, T>,
): void {
  for (const [option, given] of Object.entries({ load, loadMany })) {
    if (given !== undefined && typeof given !== 'function') {
      throw new InvalidOptionError(`${name}.${option}: expected a function, got ${describeValue(given)}`);
    }
  }
  if (!load && !loadMany) throw new InvalidOptionError(`${name}: a resource needs load or loadMany`);
}
