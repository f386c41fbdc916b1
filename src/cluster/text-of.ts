import type { Reply } from '../redis/port.js';

/** A reply as text, where it is one: clients differ in whether it comes as bytes. Anything else is the empty text. */
export function textOf(reply: Reply): string {
  if (Buffer.isBuffer(reply)) return reply.toString();
  return typeof reply === 'string' ? reply : '';
}
