import type { Topology } from './topology.js';

/**
 * Whether what is known of the cluster looks like the middle of something: a node finds another ill, a primary has lost its
 * slots and does not follow their new owner yet, a replica follows a node that serves nothing, or an election was begun whose
 * outcome nobody has told. Each of these can also last, as where a node is down for good, or was added and has no slots yet.
 *
 * @param epoch - the highest that any node has told of.
 */
export function isUnsettled(topology: Topology, epoch: number): boolean {
  let told = 0;
  for (const { view, slotCount } of topology.nodes) {
    if (view === undefined) return true;
    told = Math.max(told, view.epoch);
    if (view.flags.some((flag) => flag === 'fail' || flag === 'fail?')) return true;
    const serving = view.role === 'primary' ? slotCount : (topology.byId(view.primaryId)?.slotCount ?? 0);
    if (serving === 0) return true;
  }
  return epoch > told;
}
