import { serverCheck } from '../check.js';
import { unknown } from '../finding.js';

/** Since 7.0 scripts and tracking do all that the cache asks of them. */
const OLDEST = 7;

export const version = serverCheck('version', ({ info }) => {
  const { name, version: number } = info.product();
  if (number === undefined) return unknown('the version', 'INFO has none');
  const found = `${name} ${number}`;
  if (name === 'Valkey' || Number.parseInt(number, 10) >= OLDEST) return { level: 'ok', found };
  return {
    level: 'problem',
    found,
    means: 'Tiercel is made for, and tested with, Redis 7.0 and later and Valkey.',
    todo: 'Update the server.',
  };
});
