import { ServerError } from '../errors.js';
import type { RedisPort } from '../redis/port.js';
import { Script } from '../redis/script.js';

/**
 * Stores an entry only where the one it was made from still stands, by the version id in the header (docs/format.md), so
 * that a DEL or SET by anyone in between wins.
 */
const REPLACE = new Script(`
local entry = redis.call('GET', KEYS[1])
if not entry or string.sub(entry, 5, 12) ~= ARGV[1] then return 0 end
if ARGV[3] == '' then
  redis.call('SET', KEYS[1], ARGV[2])
else
  redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
end
return 1
`);

const VERSION_START = 4;
const VERSION_END = 12;
const ATTEMPTS = 5;

/**
 * Reads the entry, makes another of it, and stores that unless the key changed meanwhile; then again.
 *
 * @param ttl - milliseconds, or `Infinity`.
 * @param change - the new entry, or undefined where the bytes are none.
 * @returns false when there is no entry.
 */
export async function replaceUnchanged(
  port: RedisPort,
  key: string,
  ttl: number,
  change: (bytes: Buffer) => Promise<Buffer | undefined>,
): Promise<boolean> {
  const deadline = port.deadline();
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const bytes = await port.get(key, deadline);
    if (!bytes) return false;
    const version = Buffer.from(bytes.subarray(VERSION_START, VERSION_END));
    const changed = await change(bytes);
    if (!changed) return false;
    const expiry = ttl === Infinity ? '' : String(ttl);
    if ((await REPLACE.run(port, [key], [version, changed, expiry], deadline)) === 1) return true;
  }
  throw new ServerError(`the entry was changed by others ${ATTEMPTS} times while it was being replaced`);
}
