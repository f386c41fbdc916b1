import { Serializer } from '../../src/codec/serializer.js';
import { msgpackCodec } from '../../src/codec/msgpack.js';
import { CopyMemory } from '../../src/layers/copy-memory.js';
import { CacheManager } from '../../src/manager/cache-manager.js';
import { CacheParts } from '../../src/manager/cache-parts.js';
import { DEFAULT_POLICY, entryPolicy, type EntryOptions } from '../../src/manager/entry-options.js';
import { CacheMetrics } from '../../src/metrics/cache-metrics.js';
import type { RedisPort } from '../../src/redis/port.js';
import { silentLogger } from '../../src/runtime/logger.js';

/** A cache over a port of the test's own making, which tells of changes; otherwise as `createCache` makes it. */
export function cacheOverPort(
  port: RedisPort,
  namespace: string,
  maxStaleWhenDisconnected: number,
  entry: EntryOptions = {},
): CacheManager {
  const policy = entryPolicy(entry, DEFAULT_POLICY);
  const cache = new CacheParts({
    opened: { port, bare: port, feed: port, apart: undefined, echoes: false },
    serializer: new Serializer(msgpackCodec()),
    memory: new CopyMemory(1_000_000, undefined),
    isolation: 'freeze',
    metrics: new CacheMetrics(),
    logger: silentLogger,
    policy,
    maxStaleWhenDisconnected,
    unprovenLife: maxStaleWhenDisconnected,
    maxLoads: 256,
  });
  return new CacheManager({ cache, path: [namespace], policy, ...cache.openNamespace([namespace], false) });
}
