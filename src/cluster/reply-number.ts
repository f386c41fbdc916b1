import type { Reply } from '../redis/port.js';
import { SLOT_COUNT } from './slots.js';
import { textOf } from './text-of.js';

const MOST_PORT = 65_535;

/**
 * A slot as a reply has it; undefined for anything else. A loop over slots must not run to where a proxy, or a server that is
 * no Redis, says that they end.
 */
export function slotIn(reply: Reply): number | undefined {
  return numberIn(reply, 0, SLOT_COUNT - 1);
}

/** The same for a port: a socket throws where it is told another number. */
export function portIn(reply: Reply): number | undefined {
  return numberIn(reply, 1, MOST_PORT);
}

function numberIn(reply: Reply, least: number, most: number): number | undefined {
  const isNumber = typeof reply === 'number' || typeof reply === 'bigint';
  const text = isNumber ? String(reply) : textOf(reply);
  if (!/^\d{1,5}$/.test(text)) return undefined;
  const number = Number(text);
  return number >= least && number <= most ? number : undefined;
}
