import { ConnectionError, InvalidOptionError } from '../errors.js';
import type { RedisPort } from '../redis/port.js';
import { escapeGlob, scanPage } from '../redis/scan.js';

/**
 * Removes every key that begins with the prefix and is there from the beginning to the end; of one stored meanwhile nothing
 * is certain. Never blocks the server for long: it goes over all its keys a thousand at a time, so this takes longer the
 * more others there are. Each step has a deadline, and the whole has none.
 *
 * Several servers are gone over side by side.
 *
 * @param prefix - that of a `KeySpace`; all the port's servers have under it goes.
 * @returns how many were removed.
 * @throws InvalidOptionError for an empty prefix: that would remove what other programs keep on the same server.
 * @throws CacheError of the first step that failed; what was removed stays removed.
 */
export async function clearNamespace(port: RedisPort, prefix: string): Promise<number> {
  if (prefix === '') {
    throw new InvalidOptionError(
      'bare keys cannot be cleared: the keys of other programs would go with them',
    );
  }
  const { servers } = port;
  // Nothing asked is not nothing there.
  if (servers.length === 0) throw new ConnectionError('no server is known yet', { sent: false });
  const outcomes = await Promise.allSettled(servers.map((server) => clearServer(server, prefix)));
  let removed = 0;
  for (const outcome of outcomes) {
    if (outcome.status === 'rejected') throw outcome.reason;
    removed += outcome.value;
  }
  return removed;
}

async function clearServer(port: RedisPort, prefix: string): Promise<number> {
  const pattern = `${escapeGlob(prefix)}*`;
  let removed = 0;
  let cursor = '0';
  do {
    const page = await scanPage(port, cursor, pattern);
    if (page.keys.length > 0) {
      removed += Number(await port.send({ key: prefix, args: ['UNLINK', ...page.keys] }));
    }
    cursor = page.cursor;
  } while (cursor !== '0');
  return removed;
}
