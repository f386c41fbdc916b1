import { attribute, CacheError, EncodeError, repeated } from '../errors.js';
import type { Copies } from './copies.js';
import { countWrite, defer } from './counted.js';
import type { EntryPolicy } from './entry-policy.js';
import { lifetimes } from './freshness.js';
import type { LayerContext, RedisParts } from './layer-context.js';
import type { Kept } from './memory-tier.js';
import { OneWrite, type Prepared } from './one-write.js';

/** A value whose entry may be on its way still: a large one is compressed beside the event loop. */
interface Preparing extends Omit<Prepared, 'entry'> {
  readonly entry: Buffer | Promise<Buffer>;
}

/** Keys in one pipeline; the next goes out when its answers are in, so that Redis serves others in between. */
const KEYS_PER_PIPELINE = 1000;

export interface StoringParts {
  readonly context: LayerContext;
  /** Missing for a cache without Redis. */
  readonly redis: RedisParts | undefined;
  readonly copies: Copies;
  /** Drops the copy, and makes what is under way for the key a thing of the past. Returns whether there was a copy. */
  readonly supersede: (key: string) => boolean;
}

/**
 * Explicit writes and deletes. Each key first loses its copy, and what is under way for it is voided; then Redis is asked, for
 * all keys of a call in one pipeline. What Redis was not told, or may not have been, is remembered, and until it was told
 * nobody here reads that key from Redis.
 */
export class Storing {
  readonly #parts: StoringParts;

  constructor(parts: StoringParts) {
    this.#parts = parts;
  }

  /** Resolves when Redis has the value. Rejects where it has not, or where that is unknown. */
  set(key: string, value: unknown, policy: EntryPolicy): Promise<void> {
    const { context, redis, copies, supersede } = this.#parts;
    supersede(key);
    let prepared: Preparing;
    try {
      prepared = this.#prepare(key, value, policy, this.#now());
    } catch (error) {
      this.#count('set', key, performance.now(), false, error);
      return Promise.reject(error instanceof CacheError ? attribute(error, 'set', key) : error);
    }
    if (!redis) {
      this.#keepLocally(key, prepared.kept, policy);
      return Promise.resolve();
    }
    if (!isReady(prepared)) return this.#setLater(prepared, policy, redis);
    return policy.tags.length === 0
      ? OneWrite.send({ context, redis, copies }, prepared, policy)
      : this.#setTagged(prepared, policy, redis);
  }

  /**
   * The same for many. All are encoded before the first is sent, so that what a caller does to a value afterwards does not
   * matter.
   *
   * @returns the keys that failed.
   */
  async setMany(
    values: Iterable<readonly [key: string, value: unknown]>,
    policy: EntryPolicy,
  ): Promise<Map<string, CacheError>> {
    const { redis, supersede } = this.#parts;
    const failures = new Map<string, CacheError>();
    const preparing: Preparing[] = [];
    const createdAt = this.#now();
    for (const [key, value] of values) {
      try {
        preparing.push(this.#prepare(key, value, policy, createdAt));
      } catch (error) {
        if (!(error instanceof CacheError)) throw error;
        // The caller knows something newer than what is on its way here.
        supersede(key);
        failures.set(key, error);
        this.#count('set', key, performance.now(), false, error);
      }
    }
    if (!redis) {
      for (const { key, kept } of preparing) this.#keepLocally(key, kept, policy);
      return failures;
    }
    const prepared = preparing.every(isReady) ? preparing : await Promise.all(preparing.map(ready));
    for (let start = 0; start < prepared.length; start += KEYS_PER_PIPELINE) {
      await this.#write(prepared.slice(start, start + KEYS_PER_PIPELINE), policy, redis, failures);
    }
    return failures;
  }

  /** @returns whether each had a value, and the keys that failed. */
  async deleteMany(
    keys: readonly string[],
  ): Promise<{ had: Map<string, boolean>; failures: Map<string, CacheError> }> {
    const { context, redis, supersede } = this.#parts;
    const failures = new Map<string, CacheError>();
    const had = new Map(keys.map((key) => [key, supersede(key)]));
    const began = performance.now();
    if (!redis) {
      for (const key of keys) this.#count('delete', key, began, false, undefined);
      return { had, failures };
    }
    const isOne = keys.length === 1;
    for (let start = 0; start < keys.length; start += KEYS_PER_PIPELINE) {
      const chunk = keys.slice(start, start + KEYS_PER_PIPELINE);
      const outcomes = await redis.shared.remove(chunk);
      for (const [i, key] of chunk.entries()) {
        const outcome = outcomes[i];
        if (outcome instanceof CacheError) {
          defer(context, redis, redis.shared.redisKey(key));
          failures.set(key, outcome);
          this.#count('delete', key, began, isOne, outcome);
        } else {
          had.set(key, outcome === true);
          this.#count('delete', key, began, isOne, undefined);
        }
      }
    }
    return { had, failures };
  }

  async #setLater(preparing: Preparing, policy: EntryPolicy, redis: RedisParts): Promise<void> {
    const { context, copies, supersede } = this.#parts;
    const prepared = await ready(preparing);
    // What came from Redis while it was compressed is older than what the caller knows, too.
    supersede(prepared.key);
    await (policy.tags.length === 0
      ? OneWrite.send({ context, redis, copies }, prepared, policy)
      : this.#setTagged(prepared, policy, redis));
  }

  async #setTagged(prepared: Prepared, policy: EntryPolicy, redis: RedisParts): Promise<void> {
    const { key } = prepared;
    const failures = new Map<string, CacheError>();
    await this.#write([prepared], policy, redis, failures);
    const failure = failures.get(key);
    if (!failure) return;
    throw attribute(failure, 'set', key);
  }

  #now(): number {
    return this.#parts.redis?.shared.now() ?? Date.now();
  }

  #prepare(key: string, value: unknown, policy: EntryPolicy, createdAt: number): Preparing {
    const { context, redis, copies } = this.#parts;
    if (value === undefined) throw new EncodeError('undefined means a miss and cannot be stored');
    const ttl = value === null ? (policy.negativeTtl ?? policy.ttl) : policy.ttl;
    const { freshFor, usableFor, keepFor } = lifetimes(ttl === policy.ttl ? policy : { ...policy, ttl });
    const kept: Kept = {
      value: context.barrier.in(value),
      createdAt,
      cost: undefined,
      tags: policy.tags,
      freshFor,
      usableFor,
    };
    return {
      key,
      redisKey: redis?.shared.redisKey(key) ?? key,
      entry: redis?.shared.encode(kept.value, kept, policy.compression) ?? NO_ENTRY,
      keepFor,
      prove: copies.keeps(policy),
      kept,
    };
  }

  #keepLocally(key: string, kept: Kept, policy: EntryPolicy): void {
    const { copies, supersede } = this.#parts;
    supersede(key);
    copies.keep(key, kept, policy, undefined, true);
    this.#count('set', key, performance.now(), false, undefined);
  }

  #count(operation: 'set' | 'delete', key: string, began: number, timed: boolean, error: unknown): void {
    const { context, redis } = this.#parts;
    countWrite(context, { operation, key, began, timed, told: redis !== undefined, error });
  }

  async #write(
    chunk: readonly Prepared[],
    policy: EntryPolicy,
    redis: RedisParts,
    failures: Map<string, CacheError>,
  ): Promise<void> {
    const { context, copies } = this.#parts;
    const began = performance.now();
    const isOne = chunk.length === 1;
    this.#supersede(chunk);
    let outcomes: ReadonlyArray<boolean | CacheError>;
    let mayKeep = true;
    if (policy.tags.length > 0) {
      try {
        mayKeep = await redis.tags.prepareFill(policy.tags, chunk[0]?.kept.createdAt ?? 0);
      } catch (error) {
        if (!(error instanceof CacheError)) throw error;
        for (const { key, redisKey } of chunk) {
          defer(context, redis, redisKey);
          failures.set(key, repeated(error));
          this.#count('set', key, began, isOne, error);
        }
        return;
      }
      // What was read meanwhile is of before the write.
      this.#supersede(chunk);
    }
    const watches = chunk.map(({ redisKey }) => context.watches.beginOwn(redisKey));
    try {
      outcomes = await redis.shared.write(chunk);
    } finally {
      for (const watch of watches) context.watches.end(watch);
    }
    for (const [i, { key, redisKey, kept, entry }] of chunk.entries()) {
      const outcome = outcomes[i];
      if (outcome instanceof CacheError) {
        // What stands in Redis is older than what the caller knows.
        defer(context, redis, redisKey);
        failures.set(key, outcome);
        this.#count('set', key, began, isOne, outcome);
      } else {
        const watch = watches[i];
        if (outcome && mayKeep && watch && context.proves(watch)) {
          copies.keep(key, kept, policy, entry.length, true);
        }
        this.#count('set', key, began, isOne, undefined);
      }
      // Whoever waits here for a load under somebody's lease: there is a value now.
      context.watches.changed(redisKey);
    }
  }

  #supersede(chunk: readonly Prepared[]): void {
    for (const { key } of chunk) this.#parts.supersede(key);
  }
}

const NO_ENTRY = Buffer.alloc(0);

function isReady(preparing: Preparing): preparing is Prepared {
  return Buffer.isBuffer(preparing.entry);
}

async function ready(preparing: Preparing): Promise<Prepared> {
  return { ...preparing, entry: await preparing.entry };
}
