import { bytesText, countText, printable } from '../../output/format.js';
import { serverCheck } from '../check.js';
import { unknown } from '../finding.js';

/** Bytes. Redis sends about a gigabyte a second: the larger holds up everybody for some ten milliseconds. */
const BIG = 1024 * 1024;
const HUGE = 10 * 1024 * 1024;

export const bigKeys = serverCheck('big-keys', ({ keys }) => {
  if (!keys.known) return unknown('which keys are large', keys.why);
  const { largest, measured, complete } = keys.value;
  const of = `of ${countText(measured)} keys measured${complete ? '' : `, out of ${countText(keys.value.databaseKeys)}`}`;
  const [first] = largest;
  if (!first) return { level: 'ok', found: 'there are no keys' };
  const big = largest.filter(({ bytes }) => bytes >= BIG);
  const found = `the largest ${of} is ${printable(first.redisKey)}, ${bytesText(first.bytes)}`;
  const figures = { largest: first.bytes, big: big.length, measured };
  if (big.length === 0) return { level: 'ok', found, figures };
  return {
    level: first.bytes >= HUGE ? 'problem' : 'warning',
    found,
    means:
      'While Redis sends or takes so large a value nobody else gets an answer; each process that reads it needs the memory, too.',
    todo: 'Split it, compress it, or leave it out: maxValueBytes refuses values from a size on. `tiercel memory` names the largest.',
    figures,
  };
});
