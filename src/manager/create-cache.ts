import { parseByteSize, type ByteSize } from '../byte-size.js';
import type { Codec } from '../codec/codec.js';
import { serializerOf } from '../client/client-options.js';
import { KeySpace } from '../client/key-space.js';
import { parseDuration, type Duration } from '../duration.js';
import { ClusterCacheManager } from './cluster-cache-manager.js';
import type { RedisClusterOptions } from '../cluster/cluster-options.js';
import { ClusterPort } from '../cluster/cluster-port.js';
import { InvalidOptionError } from '../errors.js';
import { CopyMemory } from '../layers/copy-memory.js';
import type { Isolation } from '../memory/memory-store.js';
import { CacheMetrics, type MetricsOptions } from '../metrics/cache-metrics.js';
import type { RedisOptions } from '../redis/options.js';
import { guardedLogger, type Logger } from '../runtime/logger.js';
import { oneOf, positiveInteger, rejectUnknownOptions } from '../validate.js';
import { CacheManager } from './cache-manager.js';
import { coherenceMode, openRedis, type CoherenceMode } from './open-redis.js';
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
   * How changes by others are heard of. Default: the first of these that the client can.
   *
   * - `tracking`: the server tells of every key that was read, whoever changes it, in order with the answers.
   * - `broadcast`: it tells of every key of the namespace, whoever changes it. On a client of yours it takes a connection of its
   *   own beside it (`client.duplicate()`). It costs one more read of Redis for each value that is loaded or set here.
   * - `pubsub`, to be chosen: for a server or a proxy that refuses `CLIENT TRACKING`. Caches tell each other of what they
   *   change, so all that share a namespace must have chosen it. Nobody hears of what is done otherwise (`redis-cli DEL`,
   *   `FLUSHALL`, other programs, a bare `CacheClient`), nor that Redis drops a key because it expires or memory is short.
   *   It takes a connection of its own, and a user of Redis who may use the channel `<namespace>:%changes`.
   * - `none`: nobody tells, and copies stay until their time is over.
   *
   * A client of yours that can do none of it gets no memory.
   */
  readonly coherence?: CoherenceMode;
  /**
   * How long copies are served after the last sign of life of a connection that tells of changes. A loss that nobody is told
   * of is noticed after 150 ms at the earliest. Default 5 s.
   */
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
  const opened =
    redis === undefined
      ? undefined
      : openRedis(redis, { mode, keepsCopies: kept !== undefined, keys, maxStaleWhenDisconnected, logger });
  const cache = new CacheParts({
    opened,
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
  return opened?.bare instanceof ClusterPort
    ? new ClusterCacheManager(parts, opened.bare)
    : new CacheManager(parts);
}

function memoryOf(options: MemoryOptions): CopyMemory {
  rejectUnknownOptions(options, ['maxBytes', 'maxEntries', 'isolation'], 'memory');
  return new CopyMemory(
    parseByteSize(options.maxBytes ?? '64mb', 'memory.maxBytes'),
    options.maxEntries === undefined ? undefined : positiveInteger(options.maxEntries, 'memory.maxEntries'),
  );
}
