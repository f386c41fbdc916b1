import { InvalidOptionError } from '../errors.js';
import type { RedisPort } from '../redis/port.js';
import { escapeGlob, scanPage } from '../redis/scan.js';

/**
 * Removes every key that begins with the prefix and is there from the beginning to the end; of one stored meanwhile nothing
 * is certain. Never blocks the server for long: it goes over all its keys a thousand at a time, so this takes longer the
 * more others there are. Each step has a deadline, and the whole has none.
 *
 * @param prefix - that of a `KeySpace`; all the port's server has under it goes.
 * @returns how many were removed.
 * @throws InvalidOptionError for an empty prefix: that would remove what other programs keep on the same server.
 * @throws CacheError of the first step that failed; what was removed by then stays removed.
 */
export async function clearNamespace(port: RedisPort, prefix: string): Promise<number> {
  if (prefix === '') {
    throw new InvalidOptionError(
      'bare keys cannot be cleared: the keys of other programs would go with them',
    );
  }
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
