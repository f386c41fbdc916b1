import { countOf, countText, shareText } from '../../output/format.js';
import { serverCheck } from '../check.js';
import { numberSetting } from '../facts.js';
import { unknown, type Verdict } from '../finding.js';

const MANY = 0.8;
/** Each process takes one connection, or two; a deployment doubles them for a while. */
const FEW = 100;

export const clients = serverCheck('clients', (server): Verdict => {
  const { info } = server;
  const connected = info.number('connected_clients') ?? 0;
  const rejected = info.number('rejected_connections') ?? 0;
  const most = info.number('maxclients') ?? numberSetting(server, 'maxclients');
  const todo =
    'Raise maxclients, and the limit of open files with it. CONFIG RESETSTAT forgets those that were refused.';
  if (rejected > 0) {
    return {
      level: 'problem',
      found: `${countOf(rejected, 'connection')} refused${most === undefined ? '' : `, maxclients is ${countText(most)}`}`,
      means: 'Processes of the application got no connection, and loaded everything from the database.',
      todo,
      figures: { connected, rejected, ...(most !== undefined && { maxclients: most }) },
    };
  }
  if (most === undefined) return unknown('maxclients', 'neither INFO nor CONFIG has it');
  const found = `${countText(connected)} of ${countText(most)} connections are taken`;
  const figures = { connected, maxclients: most, rejected };
  if (connected > MANY * most || most < FEW) {
    return {
      level: 'warning',
      found: `${found} (${shareText(connected / most)})`,
      means:
        'Once all are taken, further processes get none. A deployment has the old and the new ones at once.',
      todo,
      figures,
    };
  }
  return { level: 'ok', found, figures };
});
