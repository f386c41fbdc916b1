import { isDeepStrictEqual } from 'node:util';
import { leaseKeyOf } from '../client/lease-key.js';
import { REFRESH_PREFIX } from '../client/key-space.js';
import { Serializers } from '../client/serializers.js';
import { compressorName } from '../codec/compression/compressors.js';
import { decodeEntry, type EntryHeader } from '../codec/entry.js';
import { jsonCodec } from '../codec/json.js';
import { msgpackCodec } from '../codec/msgpack.js';
import { PlainSerializer } from '../codec/plain.js';
import { Serializer, type DecodedValue, type Unreadable } from '../codec/serializer.js';
import { v8Codec } from '../codec/v8.js';
import { CacheError, InvalidKeyError } from '../errors.js';
import type { CacheManager } from '../manager/cache-manager.js';
import type { KeySpace } from '../client/key-space.js';
import type { Command, RedisPort, Reply } from '../redis/port.js';
import { replyText } from '../redis/reply-text.js';
import { shown } from '../runtime/shown.js';
import { Failure } from './failure.js';
import { numberIn } from './redis/key-scan.js';

/**
 * `fresh`: it is served. `stale`: past its `ttl`, and served only by those who accept that. `loading`: nothing is there yet, and
 * somebody loads it. `outdated`: not served by anybody, because its time is over or one of its tags was invalidated.
 * `unreadable`: taken for a miss by a process with these codecs. `foreign`: no string, or no entry.
 */
export type KeyStatus = 'fresh' | 'stale' | 'loading' | 'outdated' | 'unreadable' | 'foreign';

/** All that is known of one key. Times are milliseconds. */
export interface InspectedKey {
  /** As it stands in Redis. */
  readonly redisKey: string;
  readonly status: KeyStatus;
  /** What Redis calls it: `string`, `hash`, … */
  readonly type: string;
  /** Left; null where it never expires. */
  readonly ttl: number | null;
  /** By MEMORY USAGE; null where the server does not tell. */
  readonly bytes: number | null;
  /** Since its last use, and the counter of LFU, before this look; null where the policy does not keep it. */
  readonly idle: number | null;
  readonly frequency: number | null;
  /** Of entries. */
  readonly header?: InspectedHeader;
  /** How long the marker of a load or refresh under way stays, if nobody extends it. Left out where there is none. */
  readonly underWay?: { readonly lease: number };
  /** The value as text, as `util.inspect` gives it. */
  readonly shown?: string;
  /** The value itself, where JSON brings it back as it is. */
  readonly value?: unknown;
  /** Why there is no value. */
  readonly reason?: string;
}

interface InspectedHeader {
  readonly codec: string;
  readonly compressor: string;
  /** Since the epoch, by the clock of the server: when the load began. */
  readonly createdAt: number;
  readonly age: number;
  /** From `createdAt`: for how long it is fresh, and of any use; null for ever. */
  readonly freshFor: number | null;
  readonly usableFor: number | null;
  /** Of the load; null where it is not known. */
  readonly loadTook: number | null;
  readonly tags: readonly string[];
}

const CODECS: Readonly<Record<number, string>> = {
  0: 'none',
  1: 'msgpack',
  2: 'json',
  3: 'v8',
  4: 'protobuf',
};

export interface InspectParts {
  readonly port: RedisPort;
  readonly keys: KeySpace;
  readonly cache: CacheManager;
  readonly plain: boolean;
}

/**
 * Looks at one key of a namespace.
 *
 * @returns undefined where there is nothing, nor a load under way.
 * @throws Failure where the server does not allow it; CacheError where it cannot be asked.
 */
export async function inspectKey(
  key: string,
  { port, keys, cache, plain }: InspectParts,
): Promise<InspectedKey | undefined> {
  const redisKey = keys.prefix + key;
  const command = (...args: readonly string[]): Command => ({ key: redisKey, args: [...args, redisKey] });
  // What counts as a use comes last, so that the answers of the others are not about this look.
  const [type, idle, frequency, left, usage] = await port.sendAll([
    command('TYPE'),
    command('OBJECT', 'IDLETIME'),
    command('OBJECT', 'FREQ'),
    command('PTTL'),
    command('MEMORY', 'USAGE'),
  ]);
  const lease = await leaseLeft(port, redisKey, plain);
  const underWay = lease === undefined ? {} : { underWay: { lease } };
  const kind = replyText(answered(type));
  const ttl = numberIn(answered(left)) ?? -2;
  const about = {
    redisKey,
    type: kind,
    ttl: ttl < 0 ? null : ttl,
    bytes: orNull(usage),
    idle: secondsAsMs(orNull(idle)),
    frequency: orNull(frequency),
    ...underWay,
  };
  if (kind === 'none') {
    return lease === undefined ? undefined : { ...about, status: 'loading' };
  }
  if (kind !== 'string') {
    return { ...about, status: 'foreign', reason: `it is a ${kind}, which Tiercel keeps no values in` };
  }
  const bytes = await port.get(redisKey);
  if (bytes === null) return undefined;
  const own = Buffer.from(bytes);
  const decoded = await decode(own, port, keys, plain);
  const entry = plain ? undefined : decodeEntry(own);
  const header = entry?.ok ? { header: headerOf(entry.header, port.serverNow()) } : {};
  if (entry?.ok && entry.header.marker) {
    return { ...about, ...header, status: 'loading', underWay: { lease: Math.max(0, ttl) } };
  }
  if (!decoded.ok) {
    const status = decoded.reason === 'not-ours' ? 'foreign' : 'unreadable';
    return { ...about, ...header, status, reason: reasonOf(decoded, entry?.ok ? entry.header : undefined) };
  }
  return { ...about, ...header, status: await statusOf(cache, key), ...valueOf(decoded.value) };
}

/** Of the marker beside the key: of a refresh, and in the plain format of any load. */
async function leaseLeft(port: RedisPort, redisKey: string, plain: boolean): Promise<number | undefined> {
  const places = [REFRESH_PREFIX + redisKey];
  if (plain) {
    try {
      places.push(leaseKeyOf(redisKey));
    } catch (error) {
      // A key that can have no lease.
      if (!(error instanceof InvalidKeyError)) throw error;
    }
  }
  const replies = await port.sendAll(places.map((place) => ({ key: place, args: ['PTTL', place] })));
  const lives = replies.map((reply) => orNull(reply) ?? -2).filter((life) => life >= 0);
  return lives.length === 0 ? undefined : Math.max(...lives);
}

function decode(
  bytes: Buffer,
  port: RedisPort,
  keys: KeySpace,
  plain: boolean,
): Promise<DecodedValue | Unreadable> {
  if (plain) return new PlainSerializer(() => port.serverNow()).finish(bytes);
  const serializer = new Serializer(msgpackCodec(), [jsonCodec(), v8Codec()]);
  return new Serializers(serializer, port).for(keys).finish(bytes);
}

/** As the cache itself judges it, tags and all. */
async function statusOf(cache: CacheManager, key: string): Promise<KeyStatus> {
  const found = await cache.getEntry(key);
  if (!found) return 'outdated';
  return found.stale ? 'stale' : 'fresh';
}

function headerOf(header: EntryHeader, now: number): InspectedHeader {
  const { codec, compressor, createdAt, freshFor, usableFor, cost, tags } = header;
  return {
    codec: CODECS[codec] ?? `codec ${codec}`,
    compressor: compressorName(compressor),
    createdAt,
    age: Math.max(0, now - createdAt),
    freshFor: freshFor ?? null,
    usableFor: usableFor ?? freshFor ?? null,
    loadTook: cost === undefined ? null : cost / 1000,
    tags,
  };
}

function reasonOf({ reason }: Unreadable, header: EntryHeader | undefined): string {
  switch (reason) {
    case 'not-ours':
      return 'the bytes are no entry of Tiercel; of a namespace of bare JSON say --plain';
    case 'other-codec':
      return `it was written with ${header ? `the codec ${CODECS[header.codec] ?? header.codec}, compressor ${compressorName(header.compressor)}` : 'a codec'}, which this program does not have`;
    case 'missing-blob':
      return 'what it shares with other entries is not in Redis any more';
    case 'newer-format':
      return 'a later version of Tiercel wrote it';
    case 'corrupt':
    case 'truncated':
      return 'the bytes are damaged: the checksum is wrong';
    default:
      return `its bytes cannot be read (${reason})`;
  }
}

/** A value that JSON changes, a Date or a Map, is given as text alone: half of it would mislead. */
function valueOf(value: unknown): Pick<InspectedKey, 'shown' | 'value'> {
  const text = shown(value);
  try {
    const json: unknown = JSON.parse(JSON.stringify(value));
    return isDeepStrictEqual(json, value) ? { shown: text, value: json } : { shown: text };
  } catch {
    return { shown: text };
  }
}

function answered(reply: Reply | CacheError | undefined): Reply {
  if (reply instanceof CacheError) throw reply;
  if (reply === undefined) throw new Failure('Redis gave fewer answers than it was asked for');
  return reply;
}

/** What the server, or its policy, does not tell is left open. */
function orNull(reply: Reply | CacheError | undefined): number | null {
  return reply instanceof CacheError ? null : (numberIn(reply) ?? null);
}

function secondsAsMs(seconds: number | null): number | null {
  return seconds === null ? null : seconds * 1000;
}
