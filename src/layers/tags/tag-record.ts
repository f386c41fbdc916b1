import { CacheError, ServerError } from '../../errors.js';
import type { RedisPort, Reply } from '../../redis/port.js';
import { Script } from '../../redis/script.js';
import { lifeArgument } from '../life-argument.js';

/**
 * What Redis holds about a tag, as text: `1764000000000` or `1764000000000:1764003600000`, the stamp and when the record
 * expires, both in ms since the epoch by the server's clock. A claim is a `?` with something unique behind it. Whatever
 * does not read as a record counts as none.
 *
 * About a namespace it holds the floor, one number: the time of the latest invalidation of any tag, or a later one.
 */
export interface TagRecord {
  /** Entries created at this time or before are stale. */
  readonly stamp: number;
  /** When Redis drops the record; Infinity: never. */
  readonly until: number;
}

/** A record as Redis answered it, or why it could not be had; undefined where there is none. */
export type TagAnswer = TagRecord | CacheError | undefined;

export function readTagAnswer(reply: Reply | CacheError): TagAnswer {
  if (reply instanceof CacheError) return reply;
  return Buffer.isBuffer(reply) ? readTagRecord(reply) : undefined;
}

function readTagRecord(bytes: Buffer): TagRecord | undefined {
  const parts = /^(\d{1,15})(?::(\d{1,15}))?$/.exec(bytes.toString('latin1'));
  if (!parts) return undefined;
  return { stamp: Number(parts[1]), until: parts[2] === undefined ? Infinity : Number(parts[2]) };
}

const NOW = `
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
`;

/** A record that is written again never gets less time than it had. */
const WRITE_RECORD = `
local function write(stamp, life, stood_until, was_for_ever)
  if life == '' or was_for_ever then
    redis.call('SET', KEYS[1], stamp)
    return
  end
  ${NOW}
  local expires = math.max(now + life, tonumber(stood_until) or 0)
  redis.call('SET', KEYS[1], stamp .. ':' .. string.format('%.0f', expires), 'PX', string.format('%.0f', expires - now))
end
`;

const floorScript = (raise: boolean): string => `
${NOW}
local floor = tonumber(string.match(redis.call('GET', KEYS[1]) or '', '^%d+$'))
if floor and not (${raise} and floor < now) then
  local life = tonumber(ARGV[1])
  local left = redis.call('PTTL', KEYS[1])
  if life and left >= 0 and left < life / 2 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
else
  floor = now
  if ARGV[1] == '' then
    redis.call('SET', KEYS[1], string.format('%.0f', floor))
  else
    redis.call('SET', KEYS[1], string.format('%.0f', floor), 'PX', ARGV[1])
  end
end
return string.format('%.0f', floor)
`;

/** A server that is full must still take invalidations: what they make stale would be served on otherwise. */
const ALSO_WHEN_FULL = '#!lua flags=allow-oom\n';

const RAISE_FLOOR = new Script(ALSO_WHEN_FULL + floorScript(true));
const READ_FLOOR = new Script(floorScript(false));

const RAISE_STAMP = new Script(`${ALSO_WHEN_FULL}
${WRITE_RECORD}
local stands = redis.call('GET', KEYS[1])
if not stands then return 0 end
local stamp, stood_until = string.match(stands, '^(%d+):?(%d*)$')
if not stamp then return redis.call('DEL', KEYS[1]) end
if tonumber(stamp) >= tonumber(ARGV[1]) then return 0 end
write(ARGV[1], ARGV[2], stood_until, stood_until == '')
return 1
`);

/** Brings the floor to the server's time, never down, and returns it. */
export function raiseFloor(port: RedisPort, key: string, life: number, deadline: number): Promise<string> {
  return runFloor(RAISE_FLOOR, port, [key, life, deadline]);
}

/** Returns the floor. Where there is none it is the server's time from now on. */
export function readFloor(port: RedisPort, key: string, life: number, deadline: number): Promise<string> {
  return runFloor(READ_FLOOR, port, [key, life, deadline]);
}

async function runFloor(
  script: Script,
  port: RedisPort,
  [key, life, deadline]: readonly [key: string, life: number, deadline: number],
): Promise<string> {
  const reply = await script.run(port, [key], [lifeArgument(life)], deadline);
  const text = Buffer.isBuffer(reply) ? reply.toString('latin1') : reply;
  if (typeof text === 'string' && /^\d{1,15}$/.test(text)) return text;
  throw new ServerError(
    'Redis answered a question for the floor of the tags with something else than a time',
  );
}

/**
 * Brings the record's stamp to this one, never down. A missing record is not made, since this stamp may have been overtaken
 * by a later one that was lost; a claim is removed.
 */
export async function raiseStamp(
  port: RedisPort,
  key: string,
  [stamp, life]: readonly [stamp: string, life: number],
  deadline: number,
): Promise<void> {
  const reply = await RAISE_STAMP.run(port, [key], [stamp, lifeArgument(life)], deadline);
  if (reply !== 0 && reply !== 1) throw new ServerError('Redis did not say that it has the stamp of the tag');
}

const SETTLE = new Script(`
${WRITE_RECORD}
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
write(ARGV[2], ARGV[3])
return 1
`);

/**
 * Writes the record where what was seen still stands, and answers what stands then. It is read behind that so that this
 * connection is told of changes: one that only wrote a key is not.
 */
export async function settleRecord(
  port: RedisPort,
  key: string,
  [seen, stamp, life]: readonly [seen: Buffer, stamp: string, life: number],
  deadline: number,
): Promise<TagAnswer> {
  const args = [seen, stamp, lifeArgument(life)];
  const [, record] = await SETTLE.runAndRead(port, [key], args, ['GET', key], deadline);
  return readTagAnswer(record);
}
