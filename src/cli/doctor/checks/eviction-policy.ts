import { serverCheck } from '../check.js';
import { unknown } from '../finding.js';

export const evictionPolicy = serverCheck('eviction-policy', ({ info }, { writeBehind }) => {
  const policy = info.text('maxmemory_policy');
  if (policy === undefined) return unknown('maxmemory-policy', 'INFO does not have it');
  const found = `maxmemory-policy is ${policy}`;
  const spares = !policy.startsWith('allkeys-');
  if (writeBehind && !spares) {
    return {
      level: 'problem',
      found: `${found}, and there are queues of writes to the database`,
      means:
        'When it is full Redis may evict any key: acknowledged writes that the database does not have yet, too.',
      todo: 'Set volatile-lfu or volatile-lru, which spare keys without an expiry, or give write-behind a server of its own.',
    };
  }
  if (policy === 'noeviction') {
    const isQueue = writeBehind
      ? ' A server of write-behind alone may have it, with an alert on its memory.'
      : '';
    return {
      level: writeBehind ? 'warning' : 'problem',
      found,
      means: `When it is full Redis refuses every write with OOM, and nothing new is cached.${isQueue}`,
      todo: writeBehind
        ? 'Set volatile-lfu where it holds cached values, too.'
        : 'Set allkeys-lfu, or allkeys-lru.',
    };
  }
  if (policy.endsWith('-random')) {
    return {
      level: 'warning',
      found,
      means: 'Keys in use are evicted as readily as those that nobody reads.',
      todo: `Set ${policy.replace('random', 'lfu')}.`,
    };
  }
  return { level: 'ok', found };
});
