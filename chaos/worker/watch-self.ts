import type { CacheManager } from 'tiercel';
import { watchStalls } from '../watch-stalls.js';
import type { WorkerLog } from './log.js';

/**
 * Writes down when this process did not run; when it held its link to Redis not to be ready, or had invalidations to tell it yet;
 * when Redis failed it although the link was ready; and when Redis served it, and failed it at all.
 */
export function watchSelf(cache: CacheManager, log: WorkerLog): void {
  let ready = true;
  let errors = 0;
  let answers = 0;
  watchStalls(
    ({ begin, end }) => log.add(['stalled', begin, end]),
    (last, now) => {
      const { state, counters, named } = cache.stats();
      const isReady = state === 'ready' && named.gauges['recovery.pending'] === 0;
      if (isReady !== ready) log.addNow([isReady ? 'ready' : 'unready', isReady ? now : last]);
      if (counters.errors > errors) log.add(['failed', last, now]);
      if (state === 'ready' && counters.errors > errors) log.addNow(['refused', last, now]);
      const { redisHits, fills } = counters;
      if (redisHits + fills > answers) log.add(['served', now]);
      answers = redisHits + fills;
      ready = isReady;
      errors = counters.errors;
    },
  );
}
