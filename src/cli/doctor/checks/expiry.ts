import { countText, shareText } from '../../output/format.js';
import { serverCheck } from '../check.js';
import { unknown } from '../finding.js';

const MOST_FOR_EVER = 0.1;

export const expiry = serverCheck('expiry', ({ info, keys }) => {
  if (!keys.known) return unknown('which entries expire', keys.why);
  const { entries, entriesForEver } = keys.value;
  if (entries === 0)
    return { level: 'ok', found: `no entries among the ${countText(keys.value.measured)} keys measured` };
  const share = entriesForEver / entries;
  const found = `${shareText(share)} of ${countText(entries)} entries never expire`;
  const figures = { entries, forEver: entriesForEver };
  const policy = info.text('maxmemory_policy') ?? '';
  if (share <= MOST_FOR_EVER || policy.startsWith('allkeys-')) return { level: 'ok', found, figures };
  return {
    level: 'warning',
    found: `${found}, and the policy ${policy} evicts none of them`,
    means: 'They stay until somebody deletes them, and take the room of others.',
    todo: 'Give them a ttl, or set a policy of allkeys-* where there is no write-behind.',
    figures,
  };
});
