import { isDeepStrictEqual } from 'node:util';
import type { CachedService } from '../social/cached-service.js';
import type { DatabaseService } from '../social/database-service.js';
import { RequestSequence } from './sequence.js';

/**
 * Compares what the cache says with what the database says, for profiles read and edited under load. It comes
 * after the load, so every difference is a stale or wrong value. The tuned query is what makes asking cheap;
 * that it agrees is a check of it, too.
 *
 * @param requests - how many the load made.
 * @returns how many profiles were compared, and how many of these the load has edited. Throws at the first difference.
 */
export async function compareWithDatabase(
  { users, requests }: { readonly users: number; readonly requests: number },
  services: { uncached: DatabaseService; cached: CachedService },
): Promise<{ readonly profiles: number; readonly edited: number }> {
  const { edited, read } = profilesOfInterest(users, requests);
  const ids = new Set([...edited, ...read]);
  for (const id of ids) {
    const [cached, stored] = await Promise.all([
      services.cached.profile(id),
      services.uncached.profileTuned(id),
    ]);
    if (!isDeepStrictEqual(cached, stored)) {
      throw new Error(
        `The cache and the database differ about user ${id}: ${JSON.stringify(cached)}, ${JSON.stringify(stored)}`,
      );
    }
  }
  return { profiles: ids.size, edited: edited.size };
}

/** The first that the load edits, and as many that it reads. */
function profilesOfInterest(users: number, requests: number): Record<'edited' | 'read', ReadonlySet<number>> {
  const sequence = new RequestSequence(users);
  const edited = new Set<number>();
  const read = new Set<number>();
  for (let i = 0; i < Math.min(requests, 10_000); i++) {
    const request = sequence.next();
    if (request.kind === 'edit' && edited.size < 100) edited.add(request.id);
    if (request.kind === 'profile' && read.size < 100) read.add(request.id);
  }
  return { edited, read };
}
