import { parseByteSize, type ByteSize } from '../byte-size.js';
import type { Codec } from '../codec/codec.js';
import {
  parseCompression,
  type Compression,
  type CompressionOptions,
} from '../codec/compression/compression.js';
import { msgpackCodec } from '../codec/msgpack.js';
import type { PlainSerializer } from '../codec/plain.js';
import { Serializer } from '../codec/serializer.js';
import { parseDuration, type Duration } from '../duration.js';
import type { CacheError } from '../errors.js';
import { CacheMetrics } from '../metrics/cache-metrics.js';
import type { MetricsSnapshot } from '../metrics/snapshot.js';
import { openPort } from '../redis/open-port.js';
import type { RedisOptions } from '../redis/options.js';
import type { PortState, RedisPort } from '../redis/port.js';
import { guardedLogger, type Logger } from '../runtime/logger.js';
import { rejectUnknownOptions } from '../validate.js';
import type { ServerHealth } from './check-servers.js';
import { KeySpace } from './key-space.js';
import { Serializers } from './serializers.js';

/** How long an entry lives when nobody says. */
const DEFAULT_TTL = 15 * 60 * 1000;

const OPTIONS = ['namespace', 'ttl', 'codec', 'readCodecs', 'maxValueBytes', 'compression', 'logger'];

export interface CacheClientOptions {
  /** Keeps the keys of one use apart from all others. `''` for bare keys. Default `tiercel`. */
  readonly namespace?: string;
  /** How long entries live: milliseconds, or text such as `'15m'`; `Infinity` for ever. Default 15 minutes. */
  readonly ttl?: Duration;
  /** How values become bytes. Default MessagePack. */
  readonly codec?: Codec;
  /** Further codecs that entries may have been written with. */
  readonly readCodecs?: readonly Codec[];
  /** What one value may take in Redis: bytes, or text such as `'1mb'`; a larger one is an `EncodeError`. Default 64 MiB. */
  readonly maxValueBytes?: ByteSize;
  /** How values are made smaller, or true for the defaults of that. Default: not at all. */
  readonly compression?: CompressionOptions | boolean;
  /** Default: silence. */
  readonly logger?: Logger;
}

/** Options of one write. */
export interface WriteOptions {
  /** How long this entry lives. Default: the client's `ttl`. */
  readonly ttl?: Duration;
}

export interface ClientStats extends MetricsSnapshot {
  readonly state: PortState;
}

export interface ClientHealth {
  /** Whether every server answered. */
  readonly healthy: boolean;
  readonly state: PortState;
  readonly address: string;
  /** Milliseconds the slowest answer took; undefined when one did not come. */
  readonly latency: number | undefined;
  /** Why it is not healthy. */
  readonly error: CacheError | undefined;
  /** Each server by itself. */
  readonly servers: readonly ServerHealth[];
}

/** What a client is made of once its options are checked. For code of this package. */
export interface ClientParts {
  readonly port: RedisPort;
  readonly keys: KeySpace;
  readonly serializers: Serializers;
  /** Given where the values of these keys are bare JSON. */
  readonly plain?: PlainSerializer | undefined;
  /** Milliseconds, or `Infinity`. */
  readonly ttl: number;
  readonly compression: Compression | undefined;
  readonly metrics: CacheMetrics;
}

/** @throws InvalidOptionError */
export function serializerOf(
  options: Pick<CacheClientOptions, 'codec' | 'readCodecs' | 'maxValueBytes'>,
): Serializer {
  const maxBytes =
    options.maxValueBytes === undefined ? undefined : parseByteSize(options.maxValueBytes, 'maxValueBytes');
  return new Serializer(options.codec ?? msgpackCodec(), options.readCodecs, {
    ...(maxBytes !== undefined && { maxBytes }),
  });
}

/** Checks the options and opens the port, which connects in the background. */
export function clientParts(redis: RedisOptions, options: CacheClientOptions): ClientParts {
  rejectUnknownOptions(options, OPTIONS, 'CacheClient');
  const keys = KeySpace.of(options.namespace ?? 'tiercel');
  const ttl = parseTtl(options.ttl, DEFAULT_TTL);
  const serializer = serializerOf(options);
  const compression = parseCompression(options.compression ?? false);
  const metrics = new CacheMetrics();
  const port = openPort(redis, { logger: guardedLogger(options.logger) });
  metrics.attach(undefined, port);
  return { port, keys, serializers: new Serializers(serializer, port), ttl, compression, metrics };
}

export function parseTtl(ttl: Duration | undefined, fallback: number): number {
  return ttl === undefined ? fallback : parseDuration(ttl, 'ttl', { min: 1, allowInfinity: true });
}
