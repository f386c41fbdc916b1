import { countOf, spanText } from '../../output/format.js';
import { serverCheck } from '../check.js';
import { unknown } from '../finding.js';

/** Milliseconds that are looked back. */
const LATELY = 3_600_000;
/** Milliseconds of one command: everybody else waits for as long, and the default commandTimeout is 250. */
const SLOW = 50;

export const slowLog = serverCheck('slow-log', ({ slowLog: log }) => {
  if (!log.known) return unknown('the slow log', log.why);
  const recent = log.value.filter(({ ago }) => ago <= LATELY);
  const slowest = recent.toSorted((a, b) => b.took - a.took)[0];
  if (!slowest) return { level: 'ok', found: 'no slow command within the last hour' };
  const found = `${countOf(recent.length, 'slow command')} within the last hour, the slowest ${slowest.name}, ${spanText(slowest.took)}`;
  const figures = { commands: recent.length, slowest: slowest.took };
  if (slowest.took < SLOW) return { level: 'ok', found, figures };
  return {
    level: 'warning',
    found,
    means:
      'While one command runs no other is answered: reads pass their deadline, and are loaded from the database.',
    todo: 'See SLOWLOG GET for whose they are: KEYS, large collections, long scripts, or DEL of large keys (use UNLINK).',
    figures,
  };
});
