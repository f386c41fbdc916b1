import type { BenchCache } from '../contender.js';

/** A read, a load where there is nothing, a write: what a user writes by hand around a client. */
export function cacheAside(
  { get, set }: Pick<BenchCache, 'get' | 'set'>,
  ttlMs: number,
): BenchCache['getOrSet'] {
  return async (key, load) => {
    const found = await get(key);
    if (found !== undefined) return found;
    const value = await load();
    await set(key, value, ttlMs);
    return value;
  };
}
