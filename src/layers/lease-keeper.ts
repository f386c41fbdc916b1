import type { Lease, Tier } from './shared-tier.js';

/** A load that takes this long, however its lease is extended, is given up for dead by the others. */
const LONGEST_LOAD = 60_000;

/**
 * Shows that the holder of a lease lives, for as long as its load runs: the lease can then be short, so that a holder that
 * died is replaced soon, and a load may still take longer than that.
 *
 * @returns ends it.
 */
export function keepLease(
  shared: Tier,
  lease: Lease,
  duration: number,
  onError: (error: unknown) => void,
): () => void {
  const until = performance.now() + LONGEST_LOAD;
  const timer = setInterval(
    () => {
      if (performance.now() > until) clearInterval(timer);
      else shared.extend(lease, duration).catch(onError);
    },
    Math.max(1, Math.floor(duration / 3)),
  );
  timer.unref();
  return () => clearInterval(timer);
}
