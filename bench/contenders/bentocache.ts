import { BentoCache, bentostore } from 'bentocache';
import { memoryDriver } from 'bentocache/drivers/memory';
import { redisBusDriver, redisDriver } from 'bentocache/drivers/redis';
import { Redis, type RedisOptions } from 'ioredis';
import { ignoreErrors, type BenchCache, type Contender, type Setup } from '../contender.js';

interface Variant {
  /** Whether its memory keeps text and parses it for each hit. Left out: as it comes, which is yes. */
  readonly serialize?: false;
  /** For an outage: options of its Redis client, and how long it leaves Redis alone after a failure. Left out: as it comes. */
  readonly redis?: RedisOptions;
  /** A connection that it is to use. Left out: one of its own to the server. */
  readonly connection?: Redis;
  readonly l2CircuitBreakerDuration?: string;
}

export async function setupBentocache(
  { redisUrl, prefix, ttlMs, layers, memoryEntries }: Setup,
  { redis = {}, serialize, l2CircuitBreakerDuration, connection: given }: Variant = {},
): Promise<BenchCache> {
  // A connection of ours, as its documentation allows: the driver would open one itself but cannot be awaited.
  const connection = given ?? new Redis(redisUrl, redis);
  connection.on('error', ignoreErrors);
  await connection.ping();
  const breaker = l2CircuitBreakerDuration === undefined ? {} : { l2CircuitBreakerDuration };
  const store = bentostore({ prefix, ttl: ttlMs, ...breaker });
  const { hostname: host, port } = new URL(redisUrl);
  const layered =
    layers === 'redis'
      ? store.useL2Layer(redisDriver({ connection }))
      : store
          .useL1Layer(memoryDriver({ maxItems: memoryEntries, ...(serialize === false && { serialize }) }))
          .useL2Layer(redisDriver({ connection }))
          .useBus(redisBusDriver({ connection: { host, port: Number(port) } }));
  const bento = new BentoCache({ default: 'store', stores: { store: layered } });
  return {
    get: (key) => bento.get({ key }),
    async set(key, value, ttl) {
      if (!(await bento.set({ key, value, ttl }))) throw new Error('bentocache: set answered false');
    },
    async delete(key) {
      await bento.delete({ key });
    },
    getOrSet: (key, load) => bento.getOrSet({ key, factory: load }),
    close: () => bento.disconnect(),
    tags: {
      getOrSet: (key, tag, load) => bento.getOrSet({ key, factory: load, tags: [tag] }),
      async invalidate(tag) {
        await bento.deleteByTag({ tags: [tag] });
      },
    },
  };
}

export const contender: Contender = {
  name: 'bentocache',
  role: 'peer',
  packages: ['bentocache', 'ioredis'],
  configured: {
    'memory+redis':
      'bentostore().useL1Layer(memoryDriver({ maxItems })).useL2Layer(redisDriver).useBus(redisBusDriver) over ioredis 5',
    redis: 'bentostore().useL2Layer(redisDriver) over ioredis 5, its supported client; no L1 layer, no bus',
  },
  setup: setupBentocache,
};
