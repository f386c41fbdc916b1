import type { Watch } from '../coherence/watches.js';
import { delay } from '../runtime/delay.js';
import type { LayerContext, RedisParts } from './layer-context.js';
import { askRedis } from './redis-away.js';
import type { Flight } from './single-flight.js';

/** Somebody else loads. */
export async function awaitChange(
  { counts }: LayerContext,
  change: Promise<void>,
  poll: number,
  flight: Flight,
): Promise<void> {
  flight.phase = 'waiting';
  flight.leaveRound();
  counts.leaseWaits++;
  // Spread out, so that many waiters that are not told do not ask all at once.
  const pause = delay(poll * (0.5 + Math.random()));
  await Promise.race([change, pause.passed]);
  pause.cancel();
}

/**
 * Somebody else refreshes: the end of that shows in the value, or, where it failed, in the lease beside it.
 *
 * @param watch - of the key.
 * @returns whether there was anybody to wait for.
 */
export async function awaitRefresh(
  context: LayerContext,
  { shared }: RedisParts,
  watch: Watch,
  poll: number,
  flight: Flight,
): Promise<boolean> {
  const ending = context.watches.begin(shared.refreshKey(flight.key));
  try {
    if (!(await askRedis(shared.isRefreshed(flight.key)))) return false;
    await awaitChange(context, Promise.race([watch.change, ending.change]), poll, flight);
    return true;
  } finally {
    context.watches.end(ending);
  }
}
