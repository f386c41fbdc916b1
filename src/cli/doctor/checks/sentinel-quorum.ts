import { deploymentCheck } from '../check.js';
import type { Verdict } from '../finding.js';

/** With fewer there is no majority once one of them is gone. */
const ENOUGH = 3;

export const sentinelQuorum = deploymentCheck('sentinel-quorum', ({ kind, sentinels }) => {
  if (kind !== 'sentinel') return [];
  const verdicts = sentinels.flatMap(({ address, quorum }): Verdict[] => {
    if (!quorum.known) {
      return [
        {
          level: 'warning',
          found: `the sentinel ${address} cannot be asked: ${quorum.why}`,
          means: 'With one more gone there may be no majority, and no failover.',
          todo: 'Start it, or take it off the list.',
        },
      ];
    }
    if (quorum.value.startsWith('OK')) return [];
    return [
      {
        level: 'problem',
        found: `the sentinel ${address} says: ${quorum.value}`,
        means: 'There will be no failover when the primary goes.',
        todo: 'Start the sentinels that are down, and see that they reach each other.',
      },
    ];
  });
  if (verdicts.length > 0) return verdicts;
  if (sentinels.length < ENOUGH) {
    return [
      {
        level: 'warning',
        found: `${sentinels.length} sentinels were named, and they find their quorum`,
        means: `With fewer than ${ENOUGH} of them one that is gone can take the majority with it; perhaps there are more.`,
        todo: 'Name all of them, here and in the application: one that answers is then enough.',
        figures: { sentinels: sentinels.length },
      },
    ];
  }
  return [
    {
      level: 'ok',
      found: `all ${sentinels.length} sentinels find their quorum`,
      figures: { sentinels: sentinels.length },
    },
  ];
});
