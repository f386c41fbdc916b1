import { Redis } from 'ioredis6';
import { createNotificationPair, Loader, RedisCache } from 'layered-loader';
import { ignoreErrors, type BenchCache, type Contender, type Load, type Setup } from '../contender.js';

interface Params {
  readonly key: string;
  readonly load: Load<unknown>;
}

/** Of its Redis clients, in milliseconds and attempts. Left out: as they come. */
interface Deadlines {
  readonly commandTimeout?: number;
  readonly maxRetriesPerRequest?: number;
}

export async function setupLayeredLoader(
  { redisUrl, prefix, ttlMs, layers, memoryEntries }: Setup,
  deadlines: Deadlines = {},
): Promise<BenchCache> {
  const { hostname: host, port } = new URL(redisUrl);
  const connect = (): Redis =>
    new Redis({ host, port: Number(port), ...deadlines }).on('error', ignoreErrors);
  const redis = connect();
  await redis.ping();
  const asyncCache = new RedisCache<unknown>(redis, { json: true, prefix, ttlInMsecs: ttlMs });
  const notifying = (): object => {
    const channel = `${prefix}-notifications`;
    const { publisher, consumer } = createNotificationPair<unknown>({
      channel,
      publisherRedis: connect(),
      consumerRedis: connect(),
    });
    return {
      inMemoryCache: { ttlInMsecs: ttlMs, maxItems: memoryEntries },
      notificationPublisher: publisher,
      notificationConsumer: consumer,
    };
  };
  const loader = new Loader<unknown, Params>({
    asyncCache,
    cacheKeyFromLoadParamsResolver: (params) => params.key,
    // Asked for by getMany() to fill its memory, of which there is none where this bench calls getMany().
    cacheKeyFromValueResolver: () => '',
    dataSourceGetOneFn: (params) => params.load(),
    ...(layers === 'redis' ? {} : notifying()),
  });
  await loader.init();
  return {
    get: (key) => asyncCache.get(key),
    set: (key, value) => loader.forceSetValue(key, value),
    delete: (key) => loader.invalidateCacheFor(key),
    getOrSet: (key, load) => loader.get({ key, load }),
    getMany: (keys) => loader.getMany([...keys]),
    async close() {
      await loader.close();
      await redis.quit();
    },
  };
}

export const contender: Contender = {
  name: 'layered-loader',
  role: 'peer',
  packages: ['layered-loader', 'ioredis6'],
  configured: {
    'memory+redis':
      'Loader({ inMemoryCache: { ttlInMsecs, maxItems }, asyncCache: RedisCache({ json: true }), createNotificationPair() }) over ioredis 6',
    redis:
      'Loader({ asyncCache: RedisCache({ json: true }) }) over ioredis 6, its supported client; no inMemoryCache; set is forceSetValue()',
  },
  setup: (setup) => setupLayeredLoader(setup),
};
