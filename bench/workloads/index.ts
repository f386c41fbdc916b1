import type { Workload } from '../workload.js';
import { bulk } from './bulk.js';
import { cluster } from './cluster.js';
import { GROWTH } from './growth.js';
import { l1Hit } from './l1-hit.js';
import { l2Hit } from './l2-hit.js';
import { outage } from './outage.js';
import { postgres } from './postgres.js';
import { sets } from './sets.js';
import { stampede, stampedeOverRedis } from './stampede.js';
import { staleness, stalenessWhenIll } from './staleness.js';
import { zipf } from './zipf.js';

/** In the order they run. */
const COMPARISONS: readonly Workload[] = [
  l1Hit,
  l2Hit,
  zipf,
  bulk,
  cluster,
  sets,
  stampede,
  stampedeOverRedis,
  staleness,
  stalenessWhenIll,
  outage,
  postgres,
];

export const WORKLOADS: readonly Workload[] = [...COMPARISONS, ...GROWTH];

/** What runs where none are named: with or without those that show cost against size instead of comparing. */
export function workloadsOf(kind: 'comparison' | 'growth'): readonly Workload[] {
  return kind === 'growth' ? GROWTH : COMPARISONS;
}

/** @throws Error for an id that no workload has. */
export function workloadById(id: string): Workload {
  const found = WORKLOADS.find((workload) => workload.id === id);
  if (found === undefined) throw new Error(`no workload is called ${id}`);
  return found;
}
