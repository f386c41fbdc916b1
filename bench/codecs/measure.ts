import { createCache } from 'tiercel';
import { isDeepStrictEqual } from 'node:util';
import { parseCompression } from '../../src/codec/compression/compression.js';
import { KeySpace } from '../../src/client/key-space.js';
import { Serializers } from '../../src/client/serializers.js';
import { Serializer } from '../../src/codec/serializer.js';
import { openPort } from '../../src/redis/open-port.js';
import type { RedisServer } from '../../servers/redis.js';
import { importContender, type ContenderId } from '../contenders/index.js';
import type { Kind } from './values.js';
import type { Way } from './ways.js';

/** What a way to store takes. Bytes are means of one value, times medians over the rounds of one value. */
export interface Figures {
  /** What Redis has under the key. */
  stored: number;
  /** `MEMORY USAGE` of the key. */
  usage: number;
  encode?: number;
  decode?: number;
}

const SAMPLE = 100;
/** Enough for a dictionary, and for the shapes to be known. */
const BEFORE = 250;
const TTL = 900_000;
/** All keys have the same length, whoever makes them: namespaces and prefixes are made so. */
const key = (i: number): string => `value:${String(i).padStart(6, '0')}`;
export const namespaceOf = (n: number): string => `ns${String(n).padStart(4, '0')}`;

/** Stores values through a whole cache and asks the server what they take. */
export async function bytesOf(server: RedisServer, namespace: string, way: Way): Promise<Figures> {
  const cache = createCache({
    redis: { url: server.url, commandTimeout: '5s' },
    namespace,
    ttl: TTL,
    memory: false,
    codec: way.make(),
    compression: way.options,
  });
  try {
    await cache.ready();
    for (let i = 0; i < BEFORE; i++) await cache.set('before', way.at(i));
    await new Promise((resolve) => setTimeout(resolve, 50));
    for (let i = 0; i < SAMPLE; i++) await cache.set(key(i), way.at(BEFORE + i));
    for (let i = 0; i < SAMPLE; i += 10) {
      if (!isDeepStrictEqual(await cache.get(key(i)), way.at(BEFORE + i))) {
        throw new Error(`${way.codec}, ${way.compression}: a value came back as another`);
      }
    }
    return await usageOf(
      server,
      Array.from({ length: SAMPLE }, (_, i) => `${namespace}::${key(i)}`),
    );
  } finally {
    await cache.close();
  }
}

/** The same for the bare JSON text, under keys as long. */
export async function bytesOfJson(server: RedisServer, namespace: string, kind: Kind): Promise<Figures> {
  const keys = Array.from({ length: SAMPLE }, (_, i) => `${namespace}::${key(i)}`);
  for (const [i, each] of keys.entries()) {
    await server.cli('SET', each, JSON.stringify(kind.at(BEFORE + i)), 'PX', String(TTL));
  }
  return usageOf(server, keys);
}

/** What a peer stores, and whatever it keeps beside that for each value. */
export async function bytesOfPeer(
  server: RedisServer,
  id: ContenderId,
  prefix: string,
  kind: Kind,
): Promise<Figures> {
  const contender = await importContender(id);
  const before = new Set(await allKeys(server));
  const cache = await contender.setup({
    redisUrl: server.url,
    resourceUrl: undefined,
    prefix,
    ttlMs: TTL,
    layers: 'redis',
    memoryEntries: 1,
    memoryBytes: undefined,
  });
  try {
    for (let i = 0; i < SAMPLE; i++) await cache.set(key(i), kind.at(BEFORE + i), TTL);
  } finally {
    await cache.close();
  }
  const made = (await allKeys(server)).filter((each) => !before.has(each));
  const { stored, usage } = await usageOf(server, made);
  return { stored: (stored * made.length) / SAMPLE, usage: (usage * made.length) / SAMPLE };
}

async function allKeys(server: RedisServer): Promise<string[]> {
  return ((await server.cli('KEYS', '*')) as unknown[]).map(String);
}

async function usageOf(server: RedisServer, keys: readonly string[]): Promise<Figures> {
  let stored = 0;
  let usage = 0;
  for (const each of keys) {
    stored += Number(await server.cli('STRLEN', each).catch(() => 0));
    usage += Number(await server.cli('MEMORY', 'USAGE', each, 'SAMPLES', '0'));
  }
  return { stored: stored / keys.length, usage: usage / keys.length };
}

/** The two directions of one way, on values that are at hand. */
export interface Timed {
  readonly encode: (value: unknown) => unknown;
  readonly decode: (bytes: Buffer) => unknown;
  readonly values: readonly unknown[];
  readonly bytes: readonly Buffer[];
}

/** As `bytesOf` has stored them: with the shapes and the dictionary that stand there. */
export async function timedOf(
  server: RedisServer,
  namespace: string,
  way: Way,
): Promise<Timed & { close(): Promise<void> }> {
  const port = openPort({ url: server.url, commandTimeout: '5s' });
  await port.connect();
  const compression = parseCompression(way.options);
  const keys = KeySpace.of(namespace);
  const serializers = new Serializers(new Serializer(way.make()), port);
  const serializer = serializers.for(keys);
  const fields = { createdAt: Date.now(), freshFor: TTL, cost: 1234 };
  const values = Array.from({ length: SAMPLE }, (_, i) => way.at(i));
  for (const value of values.slice(0, 3)) await serializer.encode(value, fields, compression);
  await new Promise((resolve) => setTimeout(resolve, 50));
  const bytes: Buffer[] = [];
  for (const value of values) bytes.push(await serializer.encode(value, fields, compression));
  return {
    values,
    bytes,
    encode: (value) => serializer.encode(value, fields, compression),
    decode: (entry) => {
      const decoded = serializer.decode(entry);
      return !decoded.ok && decoded.reason === 'unfinished' ? serializer.finish(entry) : decoded;
    },
    close: () => port.close(),
  };
}

export function timedOfJson(kind: Kind): Timed {
  const values = Array.from({ length: SAMPLE }, (_, i) => kind.at(i));
  return {
    values,
    bytes: values.map((value) => Buffer.from(JSON.stringify(value))),
    encode: (value) => Buffer.from(JSON.stringify(value)),
    decode: (bytes) => JSON.parse(bytes.toString()) as unknown,
  };
}

/** Microseconds of CPU, of all threads, for one call: the mean of as many as there are in about 20 ms. */
export async function time(run: (i: number) => unknown): Promise<number> {
  const until = performance.now() + 20;
  const before = process.cpuUsage();
  let calls = 0;
  while (performance.now() < until) {
    for (let i = 0; i < 10; i++) {
      const result = run(calls++);
      if (result instanceof Promise) await result;
    }
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / calls;
}
