import type { Reply } from '../../redis/port.js';

/** A reply that is a map, in whichever way the client gives it: flat, as an object, or as a Map. */
export function replyPairs(reply: Reply): Map<string, unknown> {
  if (reply instanceof Map) return new Map([...reply].map(([name, value]) => [String(name), value]));
  const pairs = new Map<string, unknown>();
  if (Array.isArray(reply)) {
    for (let i = 0; i + 1 < reply.length; i += 2) pairs.set(String(reply[i]), reply[i + 1]);
  } else if (typeof reply === 'object' && reply !== null && !Buffer.isBuffer(reply)) {
    for (const [name, value] of Object.entries(reply)) pairs.set(name, value);
  }
  return pairs;
}
