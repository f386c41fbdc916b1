import type { Workload } from '../workload.js';
import { coldKey } from './cold-key.js';
import { l2Hit } from './l2-hit.js';
import { sets } from './sets.js';

/** In the order they run. */
export const WORKLOADS: readonly Workload[] = [l2Hit, sets, coldKey];

/** @throws Error for an id that no workload has. */
export function workloadById(id: string): Workload {
  const found = WORKLOADS.find((workload) => workload.id === id);
  if (found === undefined) throw new Error(`no workload is called ${id}`);
  return found;
}
