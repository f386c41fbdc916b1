import { ServerError } from '../errors.js';
import type { Reply } from './port.js';

/** A reply that is text or a number, as text: clients differ in whether a simple string comes as bytes. */
export function replyText(reply: Reply): string {
  if (Buffer.isBuffer(reply)) return reply.toString();
  if (typeof reply === 'string') return reply;
  if (typeof reply === 'number' || typeof reply === 'bigint') return String(reply);
  throw new ServerError('Redis answered with something else than the text that was asked for');
}

/** Whether a write says that it was done; clients differ in whether a simple string comes as text. */
export function isOk(reply: Reply): boolean {
  return reply === 'OK' || (Buffer.isBuffer(reply) && reply.toString() === 'OK');
}
