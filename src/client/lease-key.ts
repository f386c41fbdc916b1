import { InvalidKeyError } from '../errors.js';

const WRAPPED = '%lease:{';
const TAGGED = '%lease-';

/**
 * Where the lease stands of a key that holds a bare value. A Cluster must keep both in one slot: it hashes what stands between
 * the first `{` of a key and the next `}`, and where that is nothing the whole key. So a key with such a tag keeps it,
 * `%lease-{user}:42`, and any other becomes the tag: `%lease:{user:42}`.
 *
 * @throws InvalidKeyError for a key with a `}` that ends no tag: it cannot be one.
 */
export function leaseKeyOf(redisKey: string): string {
  const open = redisKey.indexOf('{');
  if (open !== -1 && redisKey.indexOf('}', open) > open + 1) return TAGGED + redisKey;
  if (redisKey.includes('}')) {
    throw new InvalidKeyError(
      `a key of format plain may have a } only where it ends a hash tag, as in {user}:42, and is '${redisKey}'`,
    );
  }
  return `${WRAPPED}${redisKey}}`;
}

/** The key whose lease stands there; undefined for what is no lease. */
export function keyOfLease(leaseKey: string): string | undefined {
  if (leaseKey.startsWith(WRAPPED) && leaseKey.endsWith('}')) return leaseKey.slice(WRAPPED.length, -1);
  return leaseKey.startsWith(TAGGED) ? leaseKey.slice(TAGGED.length) : undefined;
}

/** What the leases of all keys begin with that begin with this. */
export function leasePrefixes(prefix: string): readonly string[] {
  return [WRAPPED + prefix, TAGGED + prefix];
}
