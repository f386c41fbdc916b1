import { InvalidOptionError } from '../errors.js';
import { describeValue } from '../validate.js';

/**
 * Refresh-ahead: an entry that is asked for shortly before it expires is loaded anew in the background, so that nobody waits for
 * it; one that nobody asks for expires.
 *
 * How early is drawn by XFetch (see `freshness.ts`): the slower the load was, the earlier, so that it is done in time. With several
 * readers about one of them draws early enough, and the refresh lease sees to it that one load runs over all processes.
 *
 * - When the process dies during a refresh: another may begin one when the lease runs out; readers have the old value meanwhile.
 * - When Redis drops the entry before the load has ended, which takes a slower load than the one before: one other may join it
 *   (decision 0027).
 * - When the load fails: the old value is served for as long as it is fresh, and the next reader tries again.
 * - When Redis is away: it is not refreshed; copies in memory are served for as long as they may be.
 */
const REFRESH_AHEAD_EAGERNESS = 1;

/** The eagerness that `refresh: 'ahead'` stands for; undefined where it is left out. @throws InvalidOptionError */
export function eagernessOf(refresh: unknown, name: string): number | undefined {
  if (refresh === undefined) return undefined;
  if (refresh === 'ahead') return REFRESH_AHEAD_EAGERNESS;
  throw new InvalidOptionError(`${name}.refresh: expected 'ahead', got ${describeValue(refresh)}`);
}
