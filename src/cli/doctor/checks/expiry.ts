import { countText, shareText } from '../../output/format.js';
import { serverCheck } from '../check.js';
import { unknown } from '../finding.js';

const MOST_FOR_EVER = 0.1;

export const expiry = serverCheck('expiry', ({ info }) => {
  const policy = info.text('maxmemory_policy');
  if (policy === undefined) return unknown('what may be evicted', 'INFO does not have it');
  const { keys, expiring } = info.keys();
  if (keys === 0) return { level: 'ok', found: 'there are no keys' };
  const share = (keys - expiring) / keys;
  const found = `${shareText(share)} of ${countText(keys)} keys never expire`;
  const figures = { keys, forEver: keys - expiring };
  if (share <= MOST_FOR_EVER || policy.startsWith('allkeys-')) return { level: 'ok', found, figures };
  return {
    level: 'warning',
    found: `${found}, and the policy ${policy} evicts none of them`,
    means: 'They stay until somebody deletes them, and take the room of others.',
    todo: 'Give them a ttl, or set a policy of allkeys-* where there is no write-behind.',
    figures,
  };
});
