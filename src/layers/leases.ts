import { countLease } from './counted.js';
import type { LayerContext, RedisParts } from './layer-context.js';
import { askRedis, RedisAway } from './redis-away.js';
import type { Found, Lease, StoredEntry } from './shared-tier.js';

/** How a lease is asked for. */
export interface Asking {
  /** Milliseconds it stands without a sign of life. */
  readonly duration: number;
  /** Whether somebody else's was waited for before. */
  readonly waited: boolean;
}

/** The lease of a key with nothing under it, or what stands there by now. Rejects with `RedisAway`. */
export async function takeLease(
  context: LayerContext,
  redis: RedisParts,
  key: string,
  { duration, waited, deadline }: Asking & { readonly deadline: number },
): Promise<Lease | Found> {
  try {
    return await countLease(context, key, waited, () => redis.shared.lease(key, duration, deadline));
  } catch (error) {
    if (error instanceof RedisAway) doubt(key, error, redis);
    throw error;
  }
}

/** The lease in the place of an entry that is of no use any more; undefined where somebody was faster. Rejects with `RedisAway`. */
export async function takeOver(
  context: LayerContext,
  redis: RedisParts,
  key: string,
  entry: StoredEntry,
  { duration, waited }: Asking,
): Promise<Lease | undefined> {
  try {
    const ask = (): Promise<Lease | undefined> => redis.shared.leaseOver(key, entry, duration);
    return await askRedis(countLease(context, key, waited, ask));
  } catch (error) {
    if (error instanceof RedisAway) doubt(key, error, redis);
    throw error;
  }
}

/** So that others may load. */
export async function giveBack(
  { watches }: LayerContext,
  { shared, recovery }: RedisParts,
  lease: Lease,
): Promise<void> {
  try {
    await shared.release(lease);
  } catch (error) {
    // Nobody loads under it any more, and the others must not wait for it to run out.
    recovery.add(lease.markerKey);
    throw error;
  }
  // Nobody tells us of what we did ourselves.
  watches.changed(lease.markerKey);
}

/** It may be taken, or be taken yet by a server that goes on later, and nobody would load under it. */
function doubt(key: string, { cause }: RedisAway, { shared, recovery }: RedisParts): void {
  if (cause.outcome === 'unknown') recovery.add(shared.redisKey(key));
}
