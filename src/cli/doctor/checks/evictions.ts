import { countText, spanText } from '../../output/format.js';
import { serverCheck } from '../check.js';
import { unknown } from '../finding.js';

/** Milliseconds: a cache whose keys are all evicted within this time holds little for anybody. */
const SHORT_LIFE = 3_600_000;

export const evictions = serverCheck('evictions', ({ info }) => {
  const evicted = info.number('evicted_keys');
  const uptime = 1000 * (info.number('uptime_in_seconds') ?? 0);
  if (evicted === undefined) return unknown('evictions', 'INFO does not have them');
  const { keys } = info.keys();
  const figures = { evicted, keys };
  if (evicted === 0 || uptime === 0)
    return { level: 'ok', found: `${countText(evicted)} keys were evicted`, figures };
  const life = (keys * uptime) / evicted;
  const found = `${countText(evicted)} keys were evicted in ${spanText(uptime)}, and there are ${countText(keys)}`;
  if (life >= SHORT_LIFE) return { level: 'ok', found, figures: { ...figures, life } };
  return {
    level: 'warning',
    found: `${found}: at this pace all of them go within ${spanText(life)}`,
    means: 'Values are dropped before they are of use, and the database loads them again.',
    todo: 'Raise maxmemory, compress (`tiercel memory` says by how much), or cache less.',
    figures: { ...figures, life },
  };
});
