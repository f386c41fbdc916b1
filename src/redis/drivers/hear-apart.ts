import type { Tracking } from '../connection.js';
import type { CommandArgument, Reply } from '../port.js';
import { broadcast } from './node-redis-connection.js';

/** What is needed of a connection that speaks RESP2 and only listens. */
export interface Ear {
  send(args: readonly CommandArgument[]): Promise<Reply>;
  /** Resolves when the server has the subscription. */
  subscribe(channel: string, listener: (message: unknown) => void): Promise<unknown>;
}

/** Where the server tells those that speak RESP2 of keys that change. */
const INVALIDATIONS = '__redis__:invalidate';

/** In subscriber mode there is hardly anything else that one may ask. */
export const PULSE_OF_SUBSCRIBER = ['PING'];

/**
 * Has the server tell a connection that speaks RESP2 of keys that change. The protocol has no place for such news but a
 * message for another connection, to which they are to be redirected; that other one is here this very connection.
 *
 * So the connection that reads takes no part in it. It is the application's, which may have tracking of its own there; and
 * when it is lost, whoever listens need not be armed again.
 *
 * @param added - what the library puts before every key, and which is taken off again.
 */
export async function hearApart(
  ear: Ear,
  tracking: Tracking,
  listener: (news: string | null) => void,
  added = '',
): Promise<void> {
  if (tracking.of === 'channel') {
    await ear.subscribe(tracking.channel, (message) => listener(String(message)));
    return;
  }
  if (tracking.of === 'reads') throw new Error('a connection apart hears nothing of what others have read');
  const id = String(Number(await ear.send(['CLIENT', 'ID'])));
  const mode = broadcast({ of: 'prefixes', prefixes: tracking.prefixes.map((prefix) => added + prefix) });
  await ear.send(['CLIENT', 'TRACKING', 'ON', 'REDIRECT', id, ...mode]);
  await ear.subscribe(INVALIDATIONS, (keys) => {
    if (!Array.isArray(keys)) return listener(null);
    for (const key of keys as unknown[]) listener(String(key).slice(added.length));
  });
}
