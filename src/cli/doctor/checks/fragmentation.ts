import { bytesText } from '../../output/format.js';
import { serverCheck } from '../check.js';
import { unknown } from '../finding.js';

/** What a small server keeps for itself makes any ratio of it. */
const SMALL = 64 * 1024 * 1024;
const WASTED = 1.5;
/** Less in memory than is used: the rest was swapped out. */
const SWAPPED = 0.9;

export const fragmentation = serverCheck('fragmentation', ({ info }) => {
  const ratio = info.number('mem_fragmentation_ratio');
  const used = info.number('used_memory');
  if (ratio === undefined || used === undefined) return unknown('the fragmentation', 'INFO does not have it');
  const figures = { ratio, used };
  const found = `the process takes ${ratio} times the ${bytesText(used)} that are used`;
  if (used < SMALL)
    return { level: 'ok', found: `only ${bytesText(used)} are used, too little to tell`, figures };
  if (ratio < SWAPPED) {
    return {
      level: 'problem',
      found,
      means: 'A part of the memory was swapped out: reads of it take milliseconds, and everybody waits.',
      todo: 'Lower maxmemory, or give the machine more memory.',
      figures,
    };
  }
  if (ratio > WASTED) {
    return {
      level: 'warning',
      found,
      means: 'The allocator cannot give back what values of other sizes have left.',
      todo: 'Set activedefrag yes, or let a replica take over and start the server anew.',
      figures,
    };
  }
  return { level: 'ok', found, figures };
});
