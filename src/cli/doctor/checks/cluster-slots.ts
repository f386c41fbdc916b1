import { countText } from '../../output/format.js';
import { deploymentCheck } from '../check.js';
import { unknown } from '../finding.js';

const SLOTS = 16_384;

/** Each node has a view of its own; the worst one counts. */
export const clusterSlots = deploymentCheck('cluster-slots', ({ servers }) => {
  const views = servers.flatMap(({ cluster }) => (cluster === undefined ? [] : [cluster]));
  if (views.length === 0) return [];
  const known = views.flatMap((view) => (view.known ? [view.value] : []));
  const refused = views.find((view) => !view.known);
  if (known.length === 0)
    return [unknown('which slots are served', refused && !refused.known ? refused.why : '')];
  const least = (name: string): number => Math.min(...known.map((view) => Number(view.get(name) ?? 0)));
  const most = (name: string): number => Math.max(...known.map((view) => Number(view.get(name) ?? 0)));
  const assigned = least('cluster_slots_assigned');
  const failed = most('cluster_slots_fail');
  const failing = most('cluster_slots_pfail');
  const isDown = known.some((view) => view.get('cluster_state') !== 'ok');
  const served = assigned - failed;
  const figures = { slots: SLOTS, assigned, failed, failing };
  if (served < SLOTS || isDown) {
    return [
      {
        level: 'problem',
        found: `${countText(SLOTS - served)} of ${countText(SLOTS)} slots are served by nobody${isDown ? ', and the state of the cluster is fail' : ''}`,
        means:
          'Keys of these slots cannot be cached or invalidated. Unless cluster-require-full-coverage is no, the nodes refuse all ' +
          'other keys, too.',
        todo: 'Start the nodes that are down; assign slots that belong to nobody (redis-cli --cluster fix).',
        figures,
      },
    ];
  }
  if (failing > 0) {
    return [
      {
        level: 'warning',
        found: `the node of ${countText(failing)} slots is not answering some of the others`,
        means: 'It is about to be taken for failed.',
        todo: 'See the node, and the network between the nodes.',
        figures,
      },
    ];
  }
  return [{ level: 'ok', found: `all ${countText(SLOTS)} slots are served`, figures }];
});
