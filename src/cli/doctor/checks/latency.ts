import { spanText } from '../../output/format.js';
import { serverCheck } from '../check.js';
import { unknown } from '../finding.js';

/** Milliseconds. Within one data centre a round trip is well below one. */
const SLOW_MEDIAN = 5;
const SLOW_WORST = 100;
/** A fifth of the default commandTimeout, in the middle of all. */
const BAD_MEDIAN = 50;

export const latency = serverCheck('latency', ({ pings }) => {
  const sorted = pings.toSorted((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)];
  const worst = sorted.at(-1);
  if (median === undefined || worst === undefined) return unknown('the latency', 'no PING was answered');
  const found = `${sorted.length} pings, one after the other: ${spanText(median)} in the middle, ${spanText(worst)} at worst`;
  const figures = { pings: sorted.length, median, worst };
  if (median < SLOW_MEDIAN && worst < SLOW_WORST) return { level: 'ok', found, figures };
  return {
    level: median >= BAD_MEDIAN ? 'problem' : 'warning',
    found,
    means:
      'From here, each answer of Redis takes that long. An answer after commandTimeout, by default 250 ms, is none.',
    todo: 'If the application is as far away, bring it nearer; else see the slow log, CPU, swapping and the network.',
    figures,
  };
});
