import type { CacheManager } from 'tiercel';
import { machineNow } from '../history.js';
import type { WorkerLog } from './log.js';

const EVERY = 10;
/** Less is nothing out of the ordinary. */
const STALL = 30;

/** Writes down when this process did not run, and when it held its link to Redis not to be ready. */
export function watchSelf(cache: CacheManager, log: WorkerLog): void {
  let last = machineNow();
  let ready = true;
  setInterval(() => {
    const now = machineNow();
    if (now - last > EVERY + STALL) log.add(['stalled', last, now]);
    const isReady = cache.stats().state === 'ready';
    if (isReady !== ready) log.addNow([isReady ? 'ready' : 'unready', isReady ? now : last]);
    ready = isReady;
    last = now;
  }, EVERY).unref();
}
