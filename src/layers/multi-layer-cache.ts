import type { KeySpace } from '../client/key-space.js';
import { keyOfLease, leasePrefixes } from '../client/lease-key.js';
import type { CoherentNamespace } from '../coherence/coherence.js';
import { BulkError, CacheError, EncodeError, InvalidOptionError } from '../errors.js';
import { NONE } from '../memory/slot-queues.js';
import type { Layer } from '../metrics/channels.js';
import type { NamespaceMetrics } from '../metrics/namespace-metrics.js';
import type { Observers } from '../metrics/observers.js';
import type { KeyPart } from '../redis/port.js';
import { BulkRead, type BulkReadParts } from './bulk-read.js';
import { Copies } from './copies.js';
import { countChange, countClear, countTags } from './counted.js';
import type { EntryPolicy } from './entry-policy.js';
import type { Verdict } from './freshness.js';
import type { LayerContext, RedisParts } from './layer-context.js';
import type { Loader } from './load.js';
import type { LoadBatch } from './load-batch.js';
import { Loading } from './loading.js';
import { LocalTags } from './local-tags.js';
import type { Kept, MemoryTier } from './memory-tier.js';
import { RedisAway } from './redis-away.js';
import { Replacing } from './replacing.js';
import { SingleFlight, type Flight, type LoadRound } from './single-flight.js';
import { Storing } from './storing.js';

/** Keys that one bulk read asks for; the next are asked for when these are here, so that what is under way stays bounded. */
const KEYS_AT_ONCE = 5000;

export interface MultiLayerParts {
  readonly context: LayerContext;
  /** Missing for a cache without memory. */
  readonly memory: MemoryTier | undefined;
  /** Missing for a cache without Redis. */
  readonly redis: RedisParts | undefined;
}

/** One entry with what is known of it. */
export interface Entry<T = unknown> {
  readonly value: T;
  /** Which layer answered. */
  readonly layer: Exclude<Layer, 'load'>;
  /** Milliseconds since its load began. */
  readonly age: number;
  /** Milliseconds it is still fresh; 0 when it is stale, `Infinity` when it never is. */
  readonly freshFor: number;
  readonly stale: boolean;
  readonly tags: readonly string[];
}

/**
 * The way of one namespace's values: memory, then Redis, then the load.
 *
 * A copy in memory that nobody has changed since answers at once. Else one flight a key goes to Redis for all who ask (see
 * `Loading`). What it finds fresh answers and is kept. Where it finds nothing it takes the lease, loads, and fills by
 * compare-and-set on the lease, which any DEL or SET by anyone voids. Where it finds a lease it waits to be told of the change.
 *
 * Every read that may end in memory is watched from before it is sent (see `Watches`), so a change told meanwhile voids it.
 * Writes and deletes drop the copy and void what is under way first, then ask Redis, and tell the truth about it; what could
 * not be told to Redis is kept in the recovery log, and until it is, nobody here reads that key from Redis.
 */
export class MultiLayerCache {
  readonly #context: LayerContext;
  readonly #counts: NamespaceMetrics;
  readonly #observers: Observers;
  readonly #memory: MemoryTier | undefined;
  readonly #copies: Copies;
  readonly #redis: RedisParts | undefined;
  readonly #flights = new SingleFlight();
  readonly #loading: Loading;
  readonly #storing: Storing;
  readonly #replacing: Replacing;
  readonly #localTags = new LocalTags();
  readonly #bulk: BulkReadParts | undefined;

  constructor({ context, memory, redis }: MultiLayerParts) {
    this.#context = context;
    this.#counts = context.counts;
    this.#observers = context.observers;
    this.#redis = redis;
    this.#memory = memory;
    this.#copies = new Copies(memory, () => this.#now(), context.unprovenLife);
    this.#loading = new Loading(context, redis, this.#copies, this.#flights);
    this.#bulk = redis && { context, redis, copies: this.#copies, loading: this.#loading };
    const supersede = (key: string): boolean => this.supersede(key);
    this.#storing = new Storing({ context, redis, copies: this.#copies, supersede });
    this.#replacing = new Replacing({
      context,
      redis,
      copies: this.#copies,
      supersede,
      forget: (key) => this.forget(key),
    });
  }

  /** The copy in memory if it may be served as it is. Synchronous, and allocates nothing. */
  peek<T>(key: string): T | undefined {
    const memory = this.#memory;
    if (memory === undefined) return undefined;
    const counts = this.#counts;
    if (counts.beforeSample === 0) return this.#sampledPeek(key, memory);
    const slot = memory.plain(key);
    if (slot === NONE) return undefined;
    const tags = memory.tags(slot);
    if (tags !== undefined && !this.#areTagsValid(tags, memory.createdAt(slot))) return undefined;
    counts.beforeSample--;
    const value = memory.value(slot);
    if (this.#observers.areReadsWatched) this.#tell(key, memory.createdAt(slot), 'fresh');
    return this.#context.barrier.out(value) as T;
  }

  /** The value, from wherever is nearest: one read and one load for however many callers ask at once. */
  getOrSet<T>(
    key: string,
    loader: Loader<T>,
    policy: EntryPolicy,
    signal: AbortSignal | undefined,
    round?: LoadRound,
  ): Promise<T> {
    const stale = this.#servable(key, policy);
    if (stale) {
      this.#refreshBehind(key, loader, policy, stale.createdAt);
      return Promise.resolve(this.#context.barrier.out(stale.value) as T);
    }
    if (this.#memory) this.#counts.memoryMisses++;
    const underWay = this.#flights.get<T>(key);
    if (underWay) this.#counts.coalesced++;
    const flight = underWay ?? this.#begin(key, loader, policy, undefined, round);
    return flight.attend(signal);
  }

  /** What there is, as long as it may be served without a load; undefined where Redis cannot tell, too. */
  async getEntry<T>(key: string, policy: EntryPolicy): Promise<Entry<T> | undefined> {
    const held = this.#copies.judged(key, policy);
    if (held && held.verdict !== 'only-on-error' && this.#areTagsValid(held.held.tags, held.held.createdAt)) {
      this.#countHit(key, held.held, held.verdict);
      return this.#entry<T>(held.held, 'memory', held.verdict);
    }
    if (this.#memory) this.#counts.memoryMisses++;
    const redis = this.#redis;
    if (!redis || redis.recovery.isPending(redis.shared.redisKey(key))) {
      this.#counts.misses++;
      return undefined;
    }
    const began = performance.now();
    try {
      const found = await this.#loading.find(key, policy, redis);
      this.#counts.readFromRedis(found ? 'hit' : 'miss', performance.now() - began, key);
      if (!found) return undefined;
      const { entry, verdict } = found;
      if (verdict === 'revalidate') this.#loading.servedStale('revalidate', entry.header.createdAt);
      this.#loading.tell(key, 'redis', entry.header.createdAt, verdict);
      return this.#entry<T>({ ...entry.header, value: entry.value }, 'redis', verdict);
    } catch (error) {
      if (!(error instanceof RedisAway)) throw error;
      this.#counts.readFromRedis('error', performance.now() - began, key);
      this.#context.onBackgroundError(error.cause, 'get', key);
      return undefined;
    }
  }

  /** The value, or undefined; also where Redis cannot tell. By the same way as many, without the arrays and turns of those. */
  get<T>(key: string, policy: EntryPolicy): Promise<T | undefined> {
    const copy = this.#copy(key, policy);
    if (copy !== undefined) return Promise.resolve(copy as T);
    if (this.#memory) this.#counts.memoryMisses++;
    const bulk = this.#bulk;
    if (!bulk || bulk.redis.recovery.isPending(bulk.redis.shared.redisKey(key))) {
      this.#counts.misses++;
      return Promise.resolve(undefined);
    }
    return BulkRead.one<T>(bulk, key, policy);
  }

  /** The values, each in its key's place, in one round trip for a chunk of keys. */
  async getMany<T>(keys: readonly string[], policy: EntryPolicy): Promise<Array<T | undefined>> {
    const values: unknown[] = keys.map((key) => this.#copy(key, policy));
    const bulk = this.#bulk;
    const missing: number[] = [];
    for (const [place, value] of values.entries()) {
      if (value !== undefined) continue;
      if (this.#memory) this.#counts.memoryMisses++;
      if (bulk && !bulk.redis.recovery.isPending(bulk.redis.shared.redisKey(keys[place] as string)))
        missing.push(place);
      else this.#counts.misses++;
    }
    if (bulk) {
      for (let start = 0; start < missing.length; start += KEYS_AT_ONCE) {
        await BulkRead.run(bulk, keys, missing.slice(start, start + KEYS_AT_ONCE), values, policy);
      }
    }
    return values as Array<T | undefined>;
  }

  /**
   * Each key as `getOrSet` does it, with what is missing loaded in one call.
   *
   * @param batch - of this call alone.
   */
  async getOrSetMany<T>(
    keys: readonly string[],
    batch: LoadBatch<string, T>,
    policy: EntryPolicy,
    signal: AbortSignal | undefined,
  ): Promise<Array<PromiseSettledResult<T>>> {
    // Nothing is decided before the last key has entered.
    batch.enter();
    const answers = keys.map((key) => {
      const held = policy.memory === 0 ? undefined : this.peek<T>(key);
      if (held !== undefined) return Promise.resolve(held);
      return this.getOrSet(key, (context) => batch.load(key, context), policy, signal, batch);
    });
    batch.leave();
    return Promise.allSettled(answers);
  }

  /** Resolves when Redis has the value. Rejects, and remembers to remove the old one, where it has not. */
  set(key: string, value: unknown, policy: EntryPolicy): Promise<void> {
    // A closure, and a promise more, for those who trace.
    if (this.#observers.tracer === undefined) return this.#storing.set(key, value, policy);
    const work = { operation: 'set', namespace: this.#counts.name, key } as const;
    return this.#observers.run(work, () => this.#storing.set(key, value, policy));
  }

  /** The same for many. Resolves with those that failed. */
  setMany(
    values: Iterable<readonly [key: string, value: unknown]>,
    policy: EntryPolicy,
  ): Promise<Map<string, CacheError>> {
    return this.#storing.setMany(values, policy);
  }

  /** Whether there was a value. Rejects where Redis did not remove it, and remembers to. */
  async delete(key: string): Promise<boolean> {
    const work = { operation: 'delete', namespace: this.#counts.name, key } as const;
    return this.#observers.run(work, async () => {
      const { had, failures } = await this.#storing.deleteMany([key]);
      for (const failure of failures.values()) throw failure;
      return had.get(key) === true;
    });
  }

  /** The same for many. */
  deleteMany(
    keys: readonly string[],
  ): Promise<{ readonly had: Map<string, boolean>; readonly failures: Map<string, CacheError> }> {
    return this.#storing.deleteMany(keys);
  }

  /**
   * Removes all keys of the namespace, and voids what is under way for them. A load that runs in another process loses its lease
   * with its key, so that it is not stored. Rejects where Redis has not removed them all, and remembers to.
   */
  async clear(): Promise<void> {
    const redis = this.#redis;
    this.#supersedeAll();
    if (!redis) {
      countClear(this.#context, undefined);
      return;
    }
    redis.recovery.rememberAll();
    try {
      await redis.shared.clear();
      countClear(this.#context, undefined);
    } catch (error) {
      countClear(this.#context, error);
      if (error instanceof CacheError && !(error instanceof InvalidOptionError)) redis.recovery.addAll();
      throw error;
    } finally {
      // The server does not tell of what is removed from here, and what was read while it went on may be of before.
      this.#supersedeAll();
    }
  }

  /** Changes the truth, and then the value here; see `Replacing`. Rejects only where the change does. */
  async replace(
    key: string,
    value: unknown,
    policy: EntryPolicy,
    change: () => Promise<unknown>,
  ): Promise<void> {
    if (value === undefined) throw new EncodeError('undefined means a miss and cannot be stored');
    await this.#replacing.replace(key, value, policy, change);
  }

  /** As `delete`, for callers to whom it is no failure that Redis cannot be told yet. */
  async forget(key: string): Promise<void> {
    try {
      await this.delete(key);
    } catch (error) {
      this.#context.onBackgroundError(error, 'delete', key);
    }
  }

  /** From here on every entry with one of the tags is stale, in all processes. */
  async invalidateTags(tags: readonly string[]): Promise<void> {
    const redis = this.#redis;
    this.#flights.closeUnjudged();
    if (!redis) {
      this.#localTags.invalidate(tags, Date.now());
      countTags(this.#context, tags, [], NaN);
      return;
    }
    const began = performance.now();
    redis.recovery.rememberTags(tags);
    try {
      const work = { operation: 'invalidateTags', namespace: this.#counts.name, key: undefined } as const;
      await this.#observers.run(work, () => redis.tags.invalidate(tags));
      countTags(this.#context, tags, [], performance.now() - began);
    } catch (error) {
      const failed = error instanceof BulkError ? [...error.failures.keys()] : tags;
      countTags(this.#context, tags, failed, performance.now() - began);
      redis.recovery.addTags(failed);
      throw error;
    }
  }

  /** How this namespace hears of changes. */
  coherent({ prefix, tagPrefix }: KeySpace, { shared, tags }: RedisParts): CoherentNamespace {
    const hasLeases = shared.leaseKey('') !== undefined;
    const leased = (key: string): string | undefined => (hasLeases ? keyOfLease(key) : undefined);
    return {
      prefix,
      tagPrefix,
      besidePrefixes: hasLeases ? leasePrefixes(prefix) : [],
      // The leases of bare keys are among the bare keys.
      changed: (key, part) => {
        countChange(this.#context, key === null ? { all: true } : { key: leased(key) ?? key });
        if (key !== null) return this.changed(leased(key) ?? key);
        tags.forget(part);
        this.#anyChanged(part && within(part, prefix));
      },
      // Whoever invalidates a key ends its lease, and where there is no value yet, that is all there is to be heard of it.
      besideChanged: (redisKey) => {
        const key = leased(redisKey);
        if (key !== undefined) this.changed(key.slice(prefix.length));
      },
      tagChanged: (redisKey) => {
        tags.onInvalidated(redisKey);
        this.#flights.closeUnjudged();
        countChange(this.#context, { tag: redisKey.slice(tagPrefix.length) });
      },
      unproven: (part) => {
        const concerned = part && within(part, prefix);
        this.#copies.dropAll(concerned);
        this.#flights.closeAll(concerned);
        tags.forget(part);
      },
      resumed: (part) => this.#copies.dropUnproven(part && within(part, prefix)),
      expired: (part) => {
        this.#copies.dropAll(part && within(part, prefix));
        // Copies that others vouch for may have tags that nobody vouches for any more.
        tags.forget(part);
      },
    };
  }

  /** Makes what the first tagged entry of the namespace would otherwise have to be loaded twice for. */
  async warm(): Promise<void> {
    try {
      await this.#redis?.tags.warm();
    } catch (error) {
      this.#context.onBackgroundError(error, 'warm', '');
    }
  }

  /** Resolves when all that is being stored is stored or has failed. */
  async settle(): Promise<void> {
    await this.#flights.settle();
  }

  /** Someone else changed the key. */
  changed(key: string): void {
    this.#copies.drop(key);
    this.#flights.changed(key);
  }

  /** All copies go, and what is under way is of the past: for whoever removed the keys of the namespace from Redis. */
  forgetAll(): void {
    this.#anyChanged(undefined);
    this.#context.watches.allChanged();
  }

  #anyChanged(concerned: ((key: string) => boolean) | undefined): void {
    this.#copies.dropAll(concerned);
    this.#flights.outdateAll(concerned);
  }

  /** This process changes the key: the copy goes, and what is under way is of the past. Returns whether there was a copy. */
  supersede(key: string): boolean {
    this.#flights.outdate(key);
    const redisKey = this.#redis?.shared.redisKey(key) ?? key;
    this.#context.watches.supersede(redisKey);
    this.#redis?.recovery.remember(redisKey);
    return this.#copies.drop(key);
  }

  #supersedeAll(): void {
    this.#copies.dropAll();
    this.#flights.outdateAll();
    this.#context.watches.supersedeUnder(this.#redis?.shared.redisKey('') ?? '');
  }

  /** The copy, if it may be served without a load. */
  #copy(key: string, policy: EntryPolicy): unknown {
    const plain = this.peek(key);
    if (plain !== undefined) return plain;
    const kept = this.#servable(key, policy);
    return kept && this.#context.barrier.out(kept.value);
  }

  #servable(key: string, policy: EntryPolicy): Kept | undefined {
    const found = this.#copies.judged(key, policy);
    if (
      !found ||
      found.verdict === 'only-on-error' ||
      !this.#areTagsValid(found.held.tags, found.held.createdAt)
    )
      return undefined;
    this.#countHit(key, found.held, found.verdict);
    if (this.#observers.areReadsWatched) this.#tell(key, found.held.createdAt, found.verdict);
    return found.held;
  }

  /** A hit that is timed, and whose key is looked at. */
  #sampledPeek<T>(key: string, memory: MemoryTier): T | undefined {
    const began = performance.now();
    const slot = memory.plain(key);
    const tags = slot === NONE ? undefined : memory.tags(slot);
    if (slot === NONE || (tags !== undefined && !this.#areTagsValid(tags, memory.createdAt(slot)))) {
      this.#counts.postponeSample();
      return undefined;
    }
    const value = this.#context.barrier.out(memory.value(slot)) as T;
    const ended = performance.now();
    this.#counts.hitSampled(key, ended - began, ended);
    if (this.#observers.areReadsWatched) this.#tell(key, memory.createdAt(slot), 'fresh');
    return value;
  }

  #countHit(key: string, { createdAt }: Kept, verdict: Verdict): void {
    this.#counts.hitUntimed(key);
    if (verdict === 'revalidate') this.#loading.servedStale('revalidate', createdAt);
  }

  /** @param replaces - when the copy that is due was made. */
  #refreshBehind<T>(key: string, loader: Loader<T>, policy: EntryPolicy, replaces: number): void {
    if (this.#flights.get(key)) return;
    const flight = this.#begin(key, loader, policy, replaces, undefined);
    flight.outcome.catch((error: unknown) => this.#context.onBackgroundError(error, 'refresh', key));
  }

  #begin<T>(
    key: string,
    loader: Loader<T>,
    policy: EntryPolicy,
    replaces: number | undefined,
    round: LoadRound | undefined,
  ): Flight<T> {
    round?.enter();
    const flight = this.#flights.start({ key, loader, policy, replaces, round }, this.#loading);
    this.#loading.begin(flight);
    return flight;
  }

  #areTagsValid(tags: readonly string[], createdAt: number): boolean {
    if (tags.length === 0) return true;
    const table = this.#redis?.tags ?? this.#localTags;
    return table.check(tags, createdAt) === 'valid';
  }

  #entry<T>(kept: Kept, layer: 'memory' | 'redis', verdict: Verdict): Entry<T> {
    const age = Math.max(0, this.#now() - kept.createdAt);
    const freshFor = kept.freshFor === undefined ? Infinity : Math.max(0, kept.freshFor - age);
    const stale = verdict === 'revalidate' || verdict === 'only-on-error';
    const value = layer === 'memory' ? this.#context.barrier.out(kept.value) : kept.value;
    return { value: value as T, layer, age, freshFor, stale, tags: kept.tags };
  }

  #now(): number {
    return this.#redis?.shared.now() ?? Date.now();
  }

  #tell(key: string, createdAt: number, verdict: Verdict): void {
    const age = Math.max(0, this.#now() - createdAt);
    const { name: namespace } = this.#counts;
    this.#observers.tellRead({ namespace, key, layer: 'memory', age, stale: verdict === 'revalidate' });
  }
}

/** Which of a namespace's own keys the part has. */
function within(part: KeyPart, prefix: string): (key: string) => boolean {
  return (key) => part.has(prefix + key);
}
