import type { MetricsSnapshot } from '../../src/metrics/snapshot.js';
import { count } from '../format.js';

/** What went wrong since the start; what never did is not listed. */
export function Errors({ snapshot }: { snapshot: MetricsSnapshot }) {
  const { counters, backgroundErrors } = snapshot;
  const named: Array<[string, number]> = [
    ['Reads that Redis failed', counters.redisErrors],
    ['Loads that failed', counters.loadFailures],
    ['of them, past the hard timeout', counters.loadTimeouts],
    ['Fills that Redis failed', counters.fillErrors],
    ['Fills refused: the key was changed meanwhile', counters.fillsRefused],
    ['Sets that failed', counters.setErrors],
    ['Deletes that failed', counters.deleteErrors],
    ['Entries that could not be read', counters.unreadable],
    ['Invalidations kept to be replayed', counters.invalidationsDeferred],
    ['Leases taken over', counters.leaseTakeovers],
    ['Other requests that Redis failed', counters.otherErrors],
    ...Object.entries(backgroundErrors).map(([operation, times]): [string, number] => [
      `Background work that failed: ${operation}`,
      times,
    ]),
  ];
  const happened = named.filter(([, times]) => times > 0);
  return (
    <section class="card" aria-labelledby="errors">
      <h2 id="errors">What went wrong</h2>
      {happened.length === 0 ? (
        <p class="empty">Nothing since counting began.</p>
      ) : (
        <dl class="facts">
          {happened.map(([name, times]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{count(times)}</dd>
            </div>
          ))}
        </dl>
      )}
    </section>
  );
}
