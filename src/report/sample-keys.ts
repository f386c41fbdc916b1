import { readRedisKey, type KeySpace } from '../client/key-space.js';
import { readBeginning } from '../codec/entry.js';
import { CacheError } from '../errors.js';
import type { Command, RedisPort, Reply } from '../redis/port.js';
import { answersWith } from '../redis/reply-error.js';
import { escapeGlob, KEYS_PER_SCAN, scanPage } from '../redis/scan.js';
import type { MeasuredString } from './allocator.js';
import type { MemoryReport } from './memory-report.js';

/** Keys measured by one pipeline: few enough that the server is free for others in between. */
const KEYS_PER_PIPELINE = 200;
/** As much of a value as is fetched to read its header; one whose tags are longer counts as header to here. */
const BEGINNING = 4096;

/** One key as Redis told of it. */
export interface SampledKey extends MeasuredString {
  /** As it stands in Redis. */
  readonly redisKey: Buffer;
  readonly namespace: string;
  readonly kind: keyof MemoryReport['kinds'];
  /** Milliseconds left; undefined when it never expires. */
  readonly ttl: number | undefined;
  /** Of values: ids of the codec and the compressor, and the bytes before the payload. */
  readonly codec: number;
  readonly compressor: number;
  readonly headerBytes: number;
  /** Those of them that are the id of what the payload begins with. */
  readonly headIdBytes: number;
}

/** What one server was found to hold. */
export interface ServerSample {
  readonly server: RedisPort;
  readonly keys: readonly SampledKey[];
  readonly complete: boolean;
  readonly stoppedBy: 'maxKeys' | 'timeout' | undefined;
  readonly databaseKeys: number;
  /** How many keys there are for each one that was measured. */
  readonly scale: number;
}

export interface SampleBounds {
  readonly maxKeys: number;
  /** By `performance.now()`. */
  readonly until: number;
}

/**
 * Measures the keys of a namespace and of those within it on one server. Nothing is read twice, nothing blocks: SCAN by
 * steps, then a pipeline of cheap commands for some keys at a time.
 *
 * @param onProgress - told after each step how far it is, from 0 to 1.
 * @throws CacheError of the first step that failed.
 */
export async function sampleServer(
  server: RedisPort,
  keySpace: KeySpace,
  { maxKeys, until }: SampleBounds,
  onProgress: (share: number) => void,
): Promise<ServerSample> {
  // The marker of a refresh begins otherwise, so the pattern is looser than the keys; those of others are dropped below.
  const family = keySpace.familyPrefix;
  const pattern = family === '' ? '*' : `*${escapeGlob(family)}*`;
  const databaseKeys = Number(await server.send({ key: family, args: ['DBSIZE'] }));
  const seen = new Set<string>();
  const keys: SampledKey[] = [];
  let cursor = '0';
  let pages = 0;
  let found = 0;
  let stoppedBy: ServerSample['stoppedBy'];
  do {
    const page = await scanPage(server, cursor, pattern);
    pages++;
    cursor = page.cursor;
    // SCAN may tell of a key more than once.
    const fresh = page.keys.map(asBuffer).filter((key) => {
      const name = key.toString('latin1');
      return readRedisKey(key.toString(), keySpace) !== undefined && !seen.has(name) && seen.add(name);
    });
    found += fresh.length;
    let measured = 0;
    for (; measured < fresh.length && performance.now() < until; measured += KEYS_PER_PIPELINE) {
      keys.push(...(await measure(server, keySpace, fresh.slice(measured, measured + KEYS_PER_PIPELINE))));
    }
    if (measured < fresh.length || (cursor !== '0' && performance.now() >= until)) stoppedBy = 'timeout';
    else if (cursor !== '0' && keys.length >= maxKeys) stoppedBy = 'maxKeys';
    const seenSoFar = (pages * KEYS_PER_SCAN) / Math.max(1, databaseKeys);
    onProgress(cursor === '0' ? 1 : Math.min(1, Math.max(seenSoFar, keys.length / maxKeys)));
  } while (cursor !== '0' && stoppedBy === undefined);
  const complete = stoppedBy === undefined;
  // Each step goes over as many keys as it was told to, whether they match or not.
  const seenOfAll = Math.min(1, (pages * KEYS_PER_SCAN) / Math.max(1, databaseKeys));
  const scale = complete ? 1 : found / Math.max(1, keys.length) / seenOfAll;
  return { server, keys, complete, stoppedBy, databaseKeys, scale };
}

async function measure(
  server: RedisPort,
  keySpace: KeySpace,
  keys: readonly Buffer[],
): Promise<SampledKey[]> {
  const commands = keys.flatMap((key): Command[] => {
    const about = key.toString();
    return [
      // Exact for strings, and for collections of others by a few members: all of them could be many.
      { key: about, args: ['MEMORY', 'USAGE', key] },
      { key: about, args: ['PTTL', key] },
      { key: about, args: ['STRLEN', key] },
      { key: about, args: ['GETRANGE', key, '0', String(BEGINNING - 1)] },
    ];
  });
  const replies = await server.sendAll(commands);
  const measured: SampledKey[] = [];
  for (const [i, redisKey] of keys.entries()) {
    const key = describe(redisKey, keySpace, replies.slice(4 * i, 4 * i + 4));
    if (key) measured.push(key);
  }
  return measured;
}

/** Undefined for a key that is gone by now. */
function describe(
  redisKey: Buffer,
  keySpace: KeySpace,
  [usage, left, length, beginning]: ReadonlyArray<Reply | CacheError>,
): SampledKey | undefined {
  for (const reply of [usage, left]) if (reply instanceof CacheError) throw reply;
  const meaning = readRedisKey(redisKey.toString(), keySpace);
  if (usage === null || left === -2 || !meaning) return undefined;
  const isString = !(length instanceof CacheError) && !(beginning instanceof CacheError);
  if (!isString) {
    for (const error of [length, beginning]) {
      if (error instanceof CacheError && !answersWith(error, 'WRONGTYPE')) throw error;
    }
  }
  const entry = Buffer.isBuffer(beginning) ? readBeginning(beginning) : undefined;
  return {
    redisKey: Buffer.from(redisKey),
    keyBytes: redisKey.length,
    valueBytes: isString ? Number(length) : 0,
    usage: Number(usage),
    namespace: meaning.namespace,
    kind: kindOf(meaning.about, isString, entry),
    ttl: left === -1 ? undefined : Number(left),
    codec: entry?.codec ?? 0,
    compressor: entry?.compressor ?? 0,
    headerBytes: entry?.headerBytes ?? 0,
    headIdBytes: entry?.headIdBytes ?? 0,
  };
}

function kindOf(
  about: NonNullable<ReturnType<typeof readRedisKey>>['about'],
  isString: boolean,
  entry: ReturnType<typeof readBeginning>,
): SampledKey['kind'] {
  if (!isString) return 'foreign';
  if (about === 'tag' || about === 'shared') return about;
  if (!entry || about === 'stray') return 'foreign';
  return entry.marker || about === 'refresh' ? 'lease' : 'value';
}

function asBuffer(key: Buffer | string): Buffer {
  return Buffer.isBuffer(key) ? key : Buffer.from(key);
}
