import type { CachedService } from '../social/cached-service.js';
import type { DatabaseService } from '../social/database-service.js';
import { RequestSequence } from './sequence.js';

/** Mean time of a profile for a lone caller inside the application, in ms: nobody waits for anybody. */
export interface OneCaller {
  readonly asWritten: number;
  readonly tuned: number;
  readonly cached: number;
}

/** The same profiles by the slow query, by the tuned one, and from a cache that has them. */
export async function measureOneCaller(
  users: number,
  services: { uncached: DatabaseService; cached: CachedService },
): Promise<OneCaller> {
  const { uncached, cached } = services;
  const sequence = new RequestSequence(users);
  const ids = Array.from({ length: 100 }, () => sequence.profileId());
  // The quick ones are repeated, for a stable figure; the first round warms connections, plans and the cache.
  return {
    asWritten: await meanTime(ids, 1, (id) => uncached.profile(id)),
    tuned: await meanTime(ids, 10, (id) => uncached.profileTuned(id)),
    cached: await meanTime(ids, 10, (id) => cached.profile(id)),
  };
}

async function meanTime(
  ids: readonly number[],
  rounds: number,
  read: (id: number) => Promise<unknown>,
): Promise<number> {
  for (const id of rounds > 1 ? ids : []) await read(id);
  const start = performance.now();
  for (let round = 0; round < rounds; round++) for (const id of ids) await read(id);
  return (performance.now() - start) / (ids.length * rounds);
}
