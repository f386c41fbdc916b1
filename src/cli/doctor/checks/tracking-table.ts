import { countText, shareText } from '../../output/format.js';
import { serverCheck } from '../check.js';
import { numberSetting } from '../facts.js';
import { unknown } from '../finding.js';

const FULL = 0.95;
const NEARLY = 0.8;
/** Fewer keys than one busy process holds in its memory. */
const FEW = 10_000;

const TODO =
  'Set tracking-table-max-keys above the number of keys that all processes together hold in memory, or choose ' +
  "coherence: 'broadcast', which needs no table.";

export const trackingTable = serverCheck('tracking-table', (server) => {
  const tracked = server.info.number('tracking_total_keys');
  if (tracked === undefined) return unknown('the tracking table', 'INFO does not have it');
  const most = numberSetting(server, 'tracking-table-max-keys');
  if (most === undefined) {
    const why = server.settings.known ? 'the server has no such setting' : server.settings.why;
    return unknown(`the limit of the ${countText(tracked)} tracked keys`, why);
  }
  if (most === 0) {
    return {
      level: 'ok',
      found: `${countText(tracked)} keys are tracked, without a limit`,
      figures: { tracked },
    };
  }
  const found = `${countText(tracked)} of ${countText(most)} keys are tracked (${shareText(tracked / most)})`;
  const figures = { tracked, limit: most };
  if (tracked >= FULL * most) {
    return {
      level: 'problem',
      found,
      means:
        'The table is full: Redis forgets who holds what, and has them drop copies that are still true. The memory of the ' +
        'processes answers less and less.',
      todo: TODO,
      figures,
    };
  }
  if (tracked >= NEARLY * most || most < FEW) {
    return {
      level: 'warning',
      found,
      means: 'Once it is full Redis forgets who holds what, and copies are dropped for nothing.',
      todo: TODO,
      figures,
    };
  }
  return { level: 'ok', found, figures };
});
