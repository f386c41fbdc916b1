import type { EntryPolicy } from './entry-policy.js';
import type { Found } from './shared-tier.js';
import type { Flight } from './single-flight.js';

/** Whether an entry of this policy may be loaded anew while it stands, by who has the lease beside it. */
export function isRefreshedBeside(policy: EntryPolicy): boolean {
  return policy.earlyRefresh > 0 || policy.staleWhileRevalidate > 0 || policy.staleIfError > 0;
}

/**
 * Whether this is the very entry that the flight is to replace. That this is due was drawn when its copy was kept: were it drawn
 * once more, refreshes would come too late.
 */
export function isDue(found: Found, flight: Pick<Flight, 'replaces'>): boolean {
  return found.kind === 'value' && found.header.createdAt === flight.replaces;
}
