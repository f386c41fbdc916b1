import { bytesText, shareText } from '../../output/format.js';
import { serverCheck } from '../check.js';
import { unknown } from '../finding.js';

/** Of the memory of the machine: the rest is for fragmentation, buffers of clients, and the copy that a snapshot makes. */
const MOST_OF_MACHINE = 0.8;

export const maxmemory = serverCheck('maxmemory', ({ info }) => {
  const limit = info.number('maxmemory');
  const used = info.number('used_memory') ?? 0;
  const machine = info.number('total_system_memory') ?? 0;
  if (limit === undefined) return unknown('maxmemory', 'INFO does not have it');
  if (limit === 0) {
    return {
      level: 'problem',
      found: `maxmemory is 0: no limit; ${bytesText(used)} are used`,
      means: 'The cache grows until the system kills the server, and everything in it goes at once.',
      todo: 'Set maxmemory to about two thirds of the memory of the machine, and a maxmemory-policy that evicts.',
      figures: { maxmemory: 0, used },
    };
  }
  const figures = { maxmemory: limit, used };
  if (machine > 0 && limit > MOST_OF_MACHINE * machine) {
    return {
      level: 'warning',
      found: `maxmemory is ${bytesText(limit)}, ${shareText(limit / machine)} of the memory of the machine`,
      means:
        'Fragmentation, buffers of clients and snapshots come on top of it: the machine may swap, or kill the server.',
      todo: `Leave a fifth of the machine free: maxmemory ${bytesText(MOST_OF_MACHINE * machine)} at most.`,
      figures: { ...figures, machine },
    };
  }
  return { level: 'ok', found: `${bytesText(used)} of ${bytesText(limit)} are used`, figures };
});
