import { countText, shareText } from '../../output/format.js';
import { serverCheck } from '../check.js';
import { numberSetting } from '../facts.js';
import { unknown } from '../finding.js';

const FULL = 0.95;
const NEARLY = 0.8;
/** Fewer keys than one busy process holds in its memory. */
const FEW = 10_000;

export const trackingTable = serverCheck('tracking-table', (server) => {
  const tracked = server.info.number('tracking_total_keys');
  if (tracked === undefined) return unknown('the tracking table', 'INFO does not have it');
  const most = numberSetting(server, 'tracking-table-max-keys');
  const todo =
    'Set tracking-table-max-keys above the number of keys that all processes together hold in memory; an entry takes some ' +
    'hundred bytes of the server.';
  if (most === undefined) {
    return unknown(
      `the limit of the ${countText(tracked)} tracked keys`,
      server.settings.known ? 'the server has no such setting' : server.settings.why,
    );
  }
  if (most === 0)
    return {
      level: 'ok',
      found: `${countText(tracked)} keys are tracked, without a limit`,
      figures: { tracked },
    };
  const found = `${countText(tracked)} of ${countText(most)} keys are tracked (${shareText(tracked / most)})`;
  const figures = { tracked, limit: most };
  if (tracked >= FULL * most) {
    return {
      level: 'problem',
      found,
      means:
        'The table is full: Redis tells processes of keys that did not change, and they drop copies that are still true.',
      todo,
      figures,
    };
  }
  if (tracked >= NEARLY * most || most < FEW) {
    return {
      level: 'warning',
      found,
      means:
        'Once it is full, processes are told to drop copies that are still true, and ask Redis for them again.',
      todo,
      figures,
    };
  }
  return { level: 'ok', found, figures };
});
