import { describe, expect, it } from 'vitest';
import type { Topology } from '../../../chaos/deployment.js';
import type { FaultName } from '../../../chaos/history.js';
import { renderReport } from '../../../chaos/report.js';
import { runChaos } from '../../../chaos/run.js';

interface Run {
  readonly topology: Topology;
  readonly seconds: number;
  /** How many faults there must have been. */
  readonly atLeast: number;
  readonly faults?: readonly FaultName[];
}

const RUNS: readonly Run[] = [
  { topology: 'single', seconds: 10, atLeast: 2 },
  // Those that no other topology has; the rest are the same there.
  { topology: 'cluster', seconds: 7, atLeast: 1, faults: ['takeover', 'failover', 'slot move'] },
];

describe('a fleet of processes under faults', () => {
  it.each(RUNS)(
    'gives no answer that the promises rule out, topology $topology',
    async ({ topology, seconds, atLeast, faults }) => {
      const seed = Math.floor(Math.random() * 2 ** 31);
      const chosen = faults ? ` --faults '${faults.join()}'` : '';
      console.log(
        `npm run chaos -- --topology ${topology} --minutes ${seconds / 60} --seed ${seed}${chosen}`,
      );
      const report = await runChaos({
        seconds,
        seed,
        topology,
        ...(faults && { faults }),
        database: `test-chaos-${topology}`,
        progress: () => undefined,
      });
      const text = renderReport(report);
      console.log(text);
      expect(report.history.reads.length).toBeGreaterThan(1000);
      expect(report.history.faults.length).toBeGreaterThanOrEqual(atLeast);
      expect(report.violations, text).toEqual([]);
    },
    120_000,
  );
});
