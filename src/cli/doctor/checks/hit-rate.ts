import { countText, shareText } from '../../output/format.js';
import { hitRate as rateOf } from '../../server-stats.js';
import { serverCheck } from '../check.js';
import { unknown } from '../finding.js';

/** A rate of less says nothing. */
const ENOUGH = 1000;
const LOW = 0.5;

export const hitRate = serverCheck('hit-rate', ({ info }) => {
  const hits = info.number('keyspace_hits');
  const misses = info.number('keyspace_misses');
  if (hits === undefined || misses === undefined) return unknown('the hit rate', 'INFO does not have it');
  const rate = rateOf(hits, misses);
  const figures = { hits, misses };
  if (rate === undefined || hits + misses < ENOUGH) {
    return { level: 'ok', found: `${countText(hits + misses)} reads, too few to tell`, figures };
  }
  const found = `${shareText(rate)} of ${countText(hits + misses)} reads of Redis found something`;
  if (rate >= LOW) return { level: 'ok', found, figures };
  return {
    level: 'warning',
    found,
    means:
      'Most of what Redis is asked for has to be loaded. Reads that processes answer from memory are not among these, so the hit ' +
      'ratio of the application may be higher.',
    todo: 'See the hit ratio that the application counts; longer ttls, fewer invalidations, or more memory raise it.',
    figures,
  };
});
