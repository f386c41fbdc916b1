import type { EntryPolicy } from './entry-policy.js';
import type { Copies } from './copies.js';
import { lifetimes } from './freshness.js';
import type { LayerContext, RedisParts } from './layer-context.js';
import { keepLease } from './lease-keeper.js';
import type { Kept } from './memory-tier.js';
import type { Claim, Lease } from './shared-tier.js';

export interface ReplacingParts {
  readonly context: LayerContext;
  readonly redis: RedisParts | undefined;
  readonly copies: Copies;
  /** Drops the copy, and makes what is under way for the key a thing of the past. */
  readonly supersede: (key: string) => void;
  /** Removes the key from everywhere; where that cannot be told to Redis it is kept for later. Never rejects. */
  readonly forget: (key: string) => Promise<void>;
}

/**
 * Changes the truth behind a key, and then what the cache has of it.
 *
 * The truth comes first: were the cache first, a reader between the two would see what may never be. Then the cache may take the
 * new value only if nobody else has written or invalidated the key since before the truth was changed; with two writers at once
 * nobody here knows whose value the database has in the end. So the version of the entry that stands is read before, or the
 * lease taken where there is none, and the new entry is stored by compare-and-set on it. Whoever loses removes the key, and the
 * next reader loads.
 *
 * A reader that comes upon the lease waits for the change as it would for a load.
 */
export class Replacing {
  readonly #parts: ReplacingParts;

  constructor(parts: ReplacingParts) {
    this.#parts = parts;
  }

  /**
   * @param change - changes the truth. Where it fails the cache is left without a value, since it may have succeeded all the same.
   * @throws what `change` throws; EncodeError before anything was done. Never because of Redis.
   */
  async replace(
    key: string,
    value: unknown,
    policy: EntryPolicy,
    change: () => Promise<unknown>,
  ): Promise<void> {
    const { context, redis, supersede, forget } = this.#parts;
    const ttl = value === null ? (policy.negativeTtl ?? policy.ttl) : policy.ttl;
    const times = lifetimes({ ...policy, ttl });
    const shared = context.barrier.in(value);
    const createdAt = redis?.shared.now() ?? Date.now();
    const kept: Kept = { value: shared, createdAt, cost: undefined, tags: policy.tags, ...times };
    const encoded = redis?.shared.encode(shared, kept, policy.compression);
    const claim = redis && (await this.#claim(key, policy, redis));
    try {
      await this.#holding(claim, policy, key, change);
    } catch (error) {
      await forget(key);
      throw error;
    }
    const entry = await encoded;
    supersede(key);
    if (!redis || !entry) {
      this.#parts.copies.keep(key, kept, policy, undefined, true);
    } else if (!claim || !(await this.#store(claim, entry, kept, policy, times.keepFor, redis))) {
      await forget(key);
      return;
    }
    context.counts.written(NaN);
  }

  /** What must still stand when the new entry is stored: a lease of ours, or the old entry. Undefined where nobody can say. */
  async #claim(key: string, policy: EntryPolicy, redis: RedisParts): Promise<Lease | Claim | undefined> {
    const { shared, recovery } = redis;
    if (recovery.isPending(shared.redisKey(key))) return undefined;
    try {
      const claim = await shared.lease(key, policy.lease, shared.deadline());
      if (claim.kind === 'held') return claim;
      if (claim.kind === 'value') return shared.claimOf(key, claim);
    } catch (error) {
      this.#parts.context.onBackgroundError(error, 'fill', key);
    }
    return undefined;
  }

  async #holding(
    claim: Lease | Claim | undefined,
    policy: EntryPolicy,
    key: string,
    change: () => Promise<unknown>,
  ): Promise<void> {
    const { context, redis } = this.#parts;
    if (!redis || !claim || !('marker' in claim)) {
      await change();
      return;
    }
    const onError = (error: unknown): void => context.onBackgroundError(error, 'fill', key);
    const stopKeeping = keepLease(redis.shared, claim, policy.lease, onError);
    try {
      await change();
    } finally {
      stopKeeping();
    }
  }

  /** @returns whether Redis has the new entry. */
  async #store(
    claim: Claim,
    entry: Buffer,
    kept: Kept,
    policy: EntryPolicy,
    keepFor: number,
    { shared, tags }: RedisParts,
  ): Promise<boolean> {
    const { context, copies } = this.#parts;
    const redisKey = shared.redisKey(claim.key);
    const watch = context.watches.beginOwn(redisKey);
    try {
      const allowed = kept.tags.length === 0 || (await tags.prepareFill(kept.tags, kept.createdAt));
      const filled = allowed ? await shared.fill(claim, entry, keepFor) : 'refused';
      if (filled === 'refused') return false;
      if (filled === 'stands' && context.proves(watch))
        copies.keep(claim.key, kept, policy, entry.length, true);
      return true;
    } catch (error) {
      context.onBackgroundError(error, 'fill', claim.key);
      return false;
    } finally {
      context.watches.end(watch);
      // Nobody tells us of our own, and somebody here may wait for it.
      context.watches.changed(redisKey);
    }
  }
}
