import { parseByteSize, type ByteSize } from '../byte-size.js';
import type { Codec } from '../codec/codec.js';
import { serializerOf } from '../client/client-options.js';
import { KeySpace } from '../client/key-space.js';
import { parseDuration, type Duration } from '../duration.js';
import { ClusterCacheManager } from '../cluster/cluster-cache-manager.js';
import type { RedisClusterOptions } from '../cluster/cluster-options.js';
import { ClusterPort } from '../cluster/cluster-port.js';
import { InvalidOptionError } from '../errors.js';
import { CopyMemory } from '../layers/copy-memory.js';
import type { Isolation } from '../memory/memory-store.js';
import { CacheMetrics, type MetricsOptions } from '../metrics/cache-metrics.js';
import type { Tracking } from '../redis/connection.js';
import { canTrack, openPort } from '../redis/open-port.js';
import type { RedisOptions } from '../redis/options.js';
import type { RedisPort } from '../redis/port.js';
import { guardedLogger, type Logger } from '../runtime/logger.js';
import { oneOf, positiveInteger, rejectUnknownOptions } from '../validate.js';
import { CacheManager } from './cache-manager.js';
import { CacheParts } from './cache-parts.js';
import {
  DEFAULT_POLICY,
  ENTRY_OPTIONS,
  entryPolicy,
  formatPolicy,
  type EntryFormat,
  type EntryOptions,
} from './entry-options.js';

/** The memory of the process. */
export interface MemoryOptions {
  /** What all copies may take: bytes, or text such as `'64mb'`. Default 64 MiB. */
  readonly maxBytes?: ByteSize;
  /** Default: no limit but the bytes. */
  readonly maxEntries?: number;
  /**
   * Values are shared, not copied. `freeze` makes a caller who changes one get a TypeError: plain objects and arrays are
   * frozen as they enter, however deep. `clone` gives everyone a copy, which costs more than all the rest; `share` trusts.
   * Default `freeze`.
   */
  readonly isolation?: Isolation;
}

/** How this process comes to know that a key was changed elsewhere. */
export type CoherenceMode = 'tracking' | 'broadcast' | 'none';

export interface CacheOptions extends Omit<EntryOptions, 'memory'> {
  /**
   * A URL, options of one server, `{ cluster }` with some nodes of a Redis Cluster, `{ sentinel }`, `{ shards }`, or
   * `{ client }` with a client of yours. Left out: memory only.
   */
  readonly redis?: RedisOptions;
  /** Keeps the keys of one use apart from all others. `''` for bare keys. Default `tiercel`. */
  readonly namespace?: string;
  /** Bounds of the memory of the process, or false to keep nothing there. */
  readonly memory?: MemoryOptions | false;
  /**
   * How changes by others are heard of. `tracking`: the server tells of every key that was read, whoever changes it (Redis 6
   * or later). `broadcast`: it tells of every key of the namespace. `none`: nobody tells, and copies stay until their time is
   * over. Default `tracking`; for a client of yours that cannot, no memory.
   */
  readonly coherence?: CoherenceMode;
  /** How long copies are served after the last sign of life of a connection that was lost. Default 5 s. */
  readonly maxStaleWhenDisconnected?: Duration;
  /** Loads that may run at once while Redis is away and cannot share them. Default 256. */
  readonly maxLoads?: number;
  /** What stands under a key: `entry`, or `plain` for bare JSON that other programs read and write. Default `entry`. */
  readonly format?: EntryFormat;
  /** How values become bytes. Default MessagePack. */
  readonly codec?: Codec;
  /** Further codecs that entries may have been written with. */
  readonly readCodecs?: readonly Codec[];
  /**
   * What one value may take in Redis: bytes, or text such as `'1mb'`. A larger one is an `EncodeError` where it is written, and
   * passed on, not stored and counted in `errors` where it is loaded. Without Redis it does not matter. Default 64 MiB.
   */
  readonly maxValueBytes?: ByteSize;
  /** What is counted is always counted; this is how. */
  readonly metrics?: MetricsOptions;
  /** Default: silence. */
  readonly logger?: Logger;
}

const OPTIONS = [
  ...ENTRY_OPTIONS,
  'redis',
  'namespace',
  'coherence',
  'maxStaleWhenDisconnected',
  'maxLoads',
  'format',
  'codec',
  'readCodecs',
  'maxValueBytes',
  'metrics',
  'logger',
];
const MODES = ['tracking', 'broadcast', 'none'] as const;

/**
 * Makes a cache. It connects in the background: calls made before that wait for the first connection within their deadline,
 * and `getOrSet` loads if it does not come.
 *
 * @example
 * const cache = createCache({ redis: 'redis://localhost:6379', namespace: 'shop', ttl: '15m' })
 * const profile = await cache.getOrSet(`user_profile:${id}`, () => db.profile(id))
 *
 * @throws InvalidOptionError for an unknown option or a wrong value.
 */
export function createCache(
  options: CacheOptions & { readonly redis: RedisClusterOptions },
): ClusterCacheManager;
export function createCache(options?: CacheOptions): CacheManager;
export function createCache(options: CacheOptions = {}): CacheManager {
  rejectUnknownOptions(options, OPTIONS, 'createCache');
  const { redis, memory, namespace = 'tiercel', ...entry } = options;
  const policy = entryPolicy(entry, formatPolicy(options.format, DEFAULT_POLICY));
  if (policy.plain && options.codec) {
    throw new InvalidOptionError("codec: values of format 'plain' are JSON, and no codec is used");
  }
  const logger = guardedLogger(options.logger);
  const keys = KeySpace.of(namespace);
  const maxStale = options.maxStaleWhenDisconnected;
  const maxStaleWhenDisconnected =
    maxStale === undefined ? 5000 : parseDuration(maxStale, 'maxStaleWhenDisconnected', { min: 0 });
  const mode = redis === undefined ? 'none' : coherenceMode(options, redis, logger);
  const kept =
    memory === false || (mode === undefined && memory === undefined) ? undefined : memoryOf(memory ?? {});
  const cache = new CacheParts({
    port:
      redis === undefined ? undefined : portFor(redis, kept && mode, keys, maxStaleWhenDisconnected, logger),
    serializer: serializerOf(options),
    memory: kept,
    isolation: oneOf(
      (memory !== false && memory?.isolation) || 'freeze',
      ['freeze', 'clone', 'share'],
      'memory.isolation',
    ),
    metrics: new CacheMetrics(options.metrics),
    logger,
    policy,
    maxStaleWhenDisconnected,
    unprovenLife: mode === 'none' ? Infinity : maxStaleWhenDisconnected,
    maxLoads: positiveInteger(options.maxLoads ?? 256, 'maxLoads'),
  });
  const path = namespace === '' ? [] : [namespace];
  const parts = { cache, path, policy, ...cache.openNamespace(path, policy.plain) };
  return cache.port instanceof ClusterPort
    ? new ClusterCacheManager(parts, cache.port)
    : new CacheManager(parts);
}

function memoryOf(options: MemoryOptions): CopyMemory {
  rejectUnknownOptions(options, ['maxBytes', 'maxEntries', 'isolation'], 'memory');
  return new CopyMemory(
    parseByteSize(options.maxBytes ?? '64mb', 'memory.maxBytes'),
    options.maxEntries === undefined ? undefined : positiveInteger(options.maxEntries, 'memory.maxEntries'),
  );
}

/** Undefined where the client that was given cannot tell of changes, and nobody said that this be accepted. */
function coherenceMode(
  options: CacheOptions,
  redis: RedisOptions,
  logger: Logger,
): CoherenceMode | undefined {
  const chosen = options.coherence === undefined ? undefined : oneOf(options.coherence, MODES, 'coherence');
  const able = canTrack(redis);
  if (chosen === 'none' || able.includes(chosen ?? 'tracking')) return chosen ?? 'tracking';
  const remedy =
    `give a URL, make a client of @redis/client with { RESP: 3, emitInvalidate: true }, ` +
    `or choose coherence: 'none' (copies then stay until their time is over) or memory: false`;
  if (chosen !== undefined || (options.memory !== undefined && options.memory !== false)) {
    throw new InvalidOptionError(`coherence: this client cannot tell of keys that change; ${remedy}`);
  }
  if (options.memory === undefined)
    logger.warn(
      `nothing is kept in memory, since the Redis client cannot tell of keys that change; ${remedy}`,
    );
  return undefined;
}

function portFor(
  redis: RedisOptions,
  mode: CoherenceMode | undefined,
  keys: KeySpace,
  maxStaleWhenDisconnected: number,
  logger: Logger,
): RedisPort {
  const tracking: Record<CoherenceMode, Tracking | undefined> = {
    tracking: { of: 'reads' },
    broadcast: { of: 'prefix', prefix: keys.familyPrefix },
    none: undefined,
  };
  const port = openPort(redis, {
    logger,
    tracking: mode && tracking[mode],
    // A connection that died without a word must be noticed well within the time that it is trusted.
    heartbeatAtMost: Math.max(50, maxStaleWhenDisconnected / 3),
  });
  port.onStateChange(({ state, previous, cause, part }) => {
    if (state === previous) return;
    const level = state === 'ready' || state === 'closed' ? 'info' : 'warn';
    logger[level](`Redis at ${part?.name ?? port.address} is ${state}`, { previous, error: cause });
  });
  return port;
}
