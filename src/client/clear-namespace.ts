import { CacheError, ConnectionError, InvalidOptionError, ServerError } from '../errors.js';
import type { RedisPort } from '../redis/port.js';
import { escapeGlob, scanPage } from '../redis/scan.js';

/** Each is one look at all keys. More than two are needed only while slots of a Cluster change hands. */
const MOST_PASSES = 5;

/**
 * Removes every key that begins with the prefix and is there from the beginning to the end; of one stored meanwhile nothing
 * is certain. Never blocks the server for long: it goes over all its keys a thousand at a time, so this takes longer the
 * more others there are. Each step has a deadline, and the whole has none.
 *
 * Several servers are gone over side by side; where keys move between them meanwhile, once more.
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
  if (!port.layout) return clearServers(port, prefix);
  let removed = 0;
  for (let pass = 1; pass <= MOST_PASSES; pass++) {
    const before = await port.layout();
    removed += await clearServers(port, prefix);
    const after = await port.layout();
    // A key may have gone from a server yet to be looked at to one that was. While nothing else changes it goes only once, so
    // that a second look finds it.
    if (before.version === after.version && (pass > 1 || !after.isMoving)) return removed;
  }
  throw new ServerError('the slots of the Redis Cluster went on moving while the namespace was cleared');
}

async function clearServers(port: RedisPort, prefix: string): Promise<number> {
  const { servers } = port;
  // Nothing asked is not nothing there.
  if (servers.length === 0) throw new ConnectionError('no server is known yet', { sent: false });
  const routing = port.layout && port;
  const outcomes = await Promise.allSettled(servers.map((server) => clearServer(server, prefix, routing)));
  let removed = 0;
  for (const outcome of outcomes) {
    if (outcome.status === 'rejected') throw outcome.reason;
    removed += outcome.value;
  }
  return removed;
}

/** @param routing - where keys may move: removes each by itself, wherever it is by then. */
async function clearServer(server: RedisPort, prefix: string, routing?: RedisPort): Promise<number> {
  const pattern = `${escapeGlob(prefix)}*`;
  let removed = 0;
  let cursor = '0';
  do {
    const page = await scanPage(server, cursor, pattern);
    if (page.keys.length > 0) {
      removed += routing
        ? await unlinkEach(routing, page.keys)
        : Number(await server.send({ key: prefix, args: ['UNLINK', ...page.keys] }));
    }
    cursor = page.cursor;
  } while (cursor !== '0');
  return removed;
}

async function unlinkEach(port: RedisPort, keys: ReadonlyArray<Buffer | string>): Promise<number> {
  const replies = await port.sendAll(keys.map((key) => ({ key: key.toString(), args: ['UNLINK', key] })));
  let removed = 0;
  for (const reply of replies) {
    if (reply instanceof CacheError) throw reply;
    removed += Number(reply);
  }
  return removed;
}
