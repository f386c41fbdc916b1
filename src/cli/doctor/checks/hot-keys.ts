import { countText, printable } from '../../output/format.js';
import { serverCheck } from '../check.js';
import { unknown } from '../finding.js';

/** Of LFU's counter: about a hundred thousand uses, by the default lfu-log-factor. */
const HOT = 142;

export const hotKeys = serverCheck('hot-keys', ({ info, keys }) => {
  const policy = info.text('maxmemory_policy') ?? '';
  if (!policy.endsWith('-lfu')) {
    return {
      level: 'unknown',
      found: `Redis counts uses of keys only with a policy of LFU, and it is ${policy === '' ? 'not told' : policy}`,
      means: 'From what the server keeps it cannot be told at once whether a few keys get most of the reads.',
      todo: 'Run `tiercel hot`, which looks for some seconds, or see the hot keys that the application counts.',
    };
  }
  if (!keys.known) return unknown('which keys are used most', keys.why);
  const [first] = keys.value.hottest;
  const frequency = first?.frequency ?? 0;
  if (!first) return { level: 'ok', found: 'there are no keys' };
  const found = `of ${countText(keys.value.measured)} keys ${printable(first.redisKey)} is used most, LFU counter ${frequency} of 255`;
  if (frequency < HOT) return { level: 'ok', found, figures: { frequency } };
  return {
    level: 'warning',
    found,
    means:
      'The memory of the processes answers for a key that is read much, so that Redis is hardly asked. For this one it is.',
    todo: 'See that `memory` is not off or too small for it, and that it is not written all the time: each write drops every copy.',
    figures: { frequency },
  };
});
