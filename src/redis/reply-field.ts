import type { Reply } from './port.js';

/** A field of a reply that is a map, in whichever way the client gives it. */
export function fieldOf(reply: Reply, name: string): string | undefined {
  if (Array.isArray(reply)) {
    const at = reply.findIndex((item, i) => i % 2 === 0 && String(item) === name);
    return at === -1 ? undefined : String(reply[at + 1]);
  }
  if (typeof reply !== 'object' || reply === null) return undefined;
  const value: unknown = reply instanceof Map ? reply.get(name) : Reflect.get(reply, name);
  return Buffer.isBuffer(value) || typeof value === 'string' ? String(value) : undefined;
}
