import type { KeySpace } from '../client/key-space.js';
import { keyOfLease, leasePrefixes } from '../client/lease-key.js';
import type { CoherentNamespace } from '../coherence/coherence.js';
import type { KeyPart } from '../redis/port.js';
import { BulkError, CacheError, EncodeError } from '../errors.js';
import { Copies } from './copies.js';
import type { EntryPolicy } from './entry-policy.js';
import { lifetimes, type Verdict } from './freshness.js';
import type { Layer, LayerContext, RedisParts } from './layer-context.js';
import type { Loader } from './load.js';
import { Loading } from './loading.js';
import { LocalTags } from './local-tags.js';
import type { Held, Kept, MemoryTier } from './memory-tier.js';
import { RedisAway } from './redis-away.js';
import { Replacing } from './replacing.js';
import { SingleFlight, type Flight } from './single-flight.js';

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
  readonly #copies: Copies;
  readonly #redis: RedisParts | undefined;
  readonly #flights = new SingleFlight();
  readonly #loading: Loading;
  readonly #replacing: Replacing;
  readonly #localTags = new LocalTags();

  constructor({ context, memory, redis }: MultiLayerParts) {
    this.#context = context;
    this.#redis = redis;
    this.#copies = new Copies(memory, () => this.#now(), context.unprovenLife);
    this.#loading = new Loading(context, redis, this.#copies, this.#flights);
    this.#replacing = new Replacing({
      context,
      redis,
      copies: this.#copies,
      supersede: (key) => void this.#supersede(key),
      forget: (key) => this.forget(key),
    });
  }

  /** The copy in memory if it may be served as it is. Synchronous, and allocates nothing. */
  peek<T>(key: string): T | undefined {
    const held = this.#copies.plain(key);
    if (held === undefined || !this.#areTagsValid(held)) return undefined;
    const { metrics } = this.#context;
    metrics.increment('hits');
    metrics.increment('memoryHits');
    if (this.#context.onRead) this.#tell(key, held, 'fresh');
    return this.#context.barrier.out(held.value) as T;
  }

  /** The value, from wherever is nearest: one read and one load for however many callers ask at once. */
  getOrSet<T>(
    key: string,
    loader: Loader<T>,
    policy: EntryPolicy,
    signal: AbortSignal | undefined,
  ): Promise<T> {
    const stale = this.#servable(key, policy);
    if (stale) {
      this.#refreshBehind(key, loader, policy);
      return Promise.resolve(this.#context.barrier.out(stale.value) as T);
    }
    const underWay = this.#flights.get<T>(key);
    if (underWay) this.#context.metrics.increment('coalesced');
    const flight = underWay ?? this.#begin(key, loader, policy, false);
    return flight.attend(signal);
  }

  /** What there is, as long as it may be served without a load; undefined where Redis cannot tell, too. */
  async getEntry<T>(key: string, policy: EntryPolicy): Promise<Entry<T> | undefined> {
    const held = this.#copies.judged(key, policy);
    if (held && held.verdict !== 'only-on-error' && this.#areTagsValid(held.held)) {
      this.#countHit('memoryHits');
      return this.#entry<T>(held.held, 'memory', held.verdict);
    }
    const redis = this.#redis;
    if (!redis || redis.recovery.isPending(redis.shared.redisKey(key))) {
      this.#context.metrics.increment('misses');
      return undefined;
    }
    const began = performance.now();
    try {
      const found = await this.#loading.find(key, policy, redis);
      this.#context.metrics.recordRead(found ? 'hit' : 'miss', performance.now() - began);
      return (
        found && this.#entry<T>({ ...found.entry.header, value: found.entry.value }, 'redis', found.verdict)
      );
    } catch (error) {
      if (!(error instanceof RedisAway)) throw error;
      this.#context.metrics.recordRead('error', performance.now() - began);
      this.#context.onBackgroundError(error.cause, 'get', key);
      return undefined;
    }
  }

  /** Resolves when Redis has the value. Rejects, and remembers to remove the old one, where it has not. */
  async set(key: string, value: unknown, policy: EntryPolicy): Promise<void> {
    if (value === undefined) throw new EncodeError('undefined means a miss and cannot be stored');
    this.#supersede(key);
    const ttl = value === null ? (policy.negativeTtl ?? policy.ttl) : policy.ttl;
    const times = lifetimes({ ...policy, ttl });
    const kept: Kept = {
      value: this.#context.barrier.in(value),
      createdAt: this.#now(),
      cost: undefined,
      tags: policy.tags,
      ...times,
    };
    const redis = this.#redis;
    if (!redis) {
      this.#copies.keep(key, kept, policy, this.#context.sizeOf(value), true);
      this.#context.metrics.increment('sets');
      return;
    }
    const redisKey = redis.shared.redisKey(key);
    const encoded = redis.shared.encode(kept.value, kept, policy.compression);
    const entry = Buffer.isBuffer(encoded) ? encoded : await encoded;
    // What came from Redis while a large value was compressed is older than what the caller knows, too.
    if (entry !== encoded) this.#supersede(key);
    const watch = this.#context.watches.begin(redisKey);
    try {
      const allowed = policy.tags.length === 0 || (await redis.tags.prepareFill(policy.tags, kept.createdAt));
      const proven = await redis.shared.write(key, entry, times.keepFor);
      if (proven && allowed && !watch.changed) {
        this.#copies.keep(key, kept, policy, entry.length, this.#context.proven());
      }
      this.#context.metrics.increment('sets');
    } catch (error) {
      // What stands in Redis is older than what the caller knows.
      redis.recovery.add(redisKey);
      throw error;
    } finally {
      this.#context.watches.end(watch);
      // Whoever waits here for a load under somebody's lease: there is a value now.
      this.#context.watches.changed(redisKey);
    }
  }

  /** Whether there was a value. Rejects where Redis did not remove it, and remembers to. */
  async delete(key: string): Promise<boolean> {
    const had = this.#supersede(key);
    const redis = this.#redis;
    this.#context.metrics.increment('deletes');
    if (!redis) return had;
    try {
      return await redis.shared.remove(key);
    } catch (error) {
      redis.recovery.add(redis.shared.redisKey(key));
      throw error;
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

  /** Each key by itself, in one pipeline. @throws BulkError with those that failed. */
  async each<K extends string, R>(
    keys: readonly K[],
    operation: string,
    work: (key: K) => Promise<R>,
  ): Promise<R[]> {
    const failures = new Map<string, CacheError>();
    const results: R[] = [];
    const attempt = async (key: K): Promise<void> => {
      try {
        results.push(await work(key));
      } catch (error) {
        if (!(error instanceof CacheError)) throw error;
        failures.set(key, error);
      }
    };
    await Promise.all(keys.map(attempt));
    if (failures.size > 0) throw new BulkError(failures, keys.length, { operation });
    return results;
  }

  /** From here on every entry with one of the tags is stale, in all processes. */
  async invalidateTags(tags: readonly string[]): Promise<void> {
    const redis = this.#redis;
    if (!redis) return this.#localTags.invalidate(tags, Date.now());
    redis.recovery.rememberTags(tags);
    try {
      await redis.tags.invalidate(tags);
    } catch (error) {
      redis.recovery.addTags(error instanceof BulkError ? [...error.failures.keys()] : tags);
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
        if (key !== null) return this.changed(leased(key) ?? key);
        tags.forget(part);
        this.#anyChanged(part && within(part, prefix));
      },
      // Whoever invalidates a key ends its lease, and where there is no value yet, that is all there is to be heard of it.
      besideChanged: (redisKey) => {
        const key = leased(redisKey);
        if (key !== undefined) this.changed(key.slice(prefix.length));
      },
      tagChanged: (redisKey) => void tags.onInvalidated(redisKey),
      renewed: (part) => {
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

  #anyChanged(concerned: ((key: string) => boolean) | undefined): void {
    this.#copies.dropAll(concerned);
    this.#flights.outdateAll(concerned);
  }

  /** The copy goes, and what is under way is of the past. Returns whether there was a copy. */
  #supersede(key: string): boolean {
    this.#flights.outdate(key);
    const redisKey = this.#redis?.shared.redisKey(key) ?? key;
    this.#context.watches.changed(redisKey);
    this.#redis?.recovery.remember(redisKey);
    return this.#copies.drop(key);
  }

  #servable(key: string, policy: EntryPolicy): Held | undefined {
    const found = this.#copies.judged(key, policy);
    if (!found || found.verdict === 'only-on-error' || !this.#areTagsValid(found.held)) return undefined;
    this.#countHit('memoryHits');
    if (found.verdict === 'revalidate') this.#context.metrics.increment('staleServes');
    if (this.#context.onRead) this.#tell(key, found.held, found.verdict);
    return found.held;
  }

  #refreshBehind<T>(key: string, loader: Loader<T>, policy: EntryPolicy): void {
    if (this.#flights.get(key)) return;
    const flight = this.#begin(key, loader, policy, true);
    flight.outcome.catch((error: unknown) => this.#context.onBackgroundError(error, 'refresh', key));
  }

  #begin<T>(key: string, loader: Loader<T>, policy: EntryPolicy, refresh: boolean): Flight<T> {
    const flight = this.#flights.start({ key, loader, policy, refresh, round: undefined }, this.#loading);
    this.#loading.begin(flight);
    return flight;
  }

  #areTagsValid(held: Held): boolean {
    if (held.tags.length === 0) return true;
    const tags = this.#redis?.tags ?? this.#localTags;
    return tags.check(held.tags, held.createdAt) === 'valid';
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

  #countHit(layer: 'memoryHits'): void {
    this.#context.metrics.increment('hits');
    this.#context.metrics.increment(layer);
  }

  #tell(key: string, held: Held, verdict: Verdict): void {
    const age = Math.max(0, this.#now() - held.createdAt);
    this.#context.onRead?.({ key, layer: 'memory', age, stale: verdict === 'revalidate' });
  }
}

/** Which of a namespace's own keys the part has. */
function within(part: KeyPart, prefix: string): (key: string) => boolean {
  return (key) => part.has(prefix + key);
}
