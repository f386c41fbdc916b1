import { Redis } from 'ioredis6';
import { Loader, RedisCache } from 'layered-loader';
import type { Contender, Load } from '../contender.js';

interface Params {
  readonly key: string;
  readonly load: Load<unknown>;
}

export const contender: Contender = {
  name: 'layered-loader',
  role: 'peer',
  packages: ['layered-loader', 'ioredis6'],
  configured:
    'Loader({ asyncCache: RedisCache({ json: true }) }) over ioredis 6, its supported client; no inMemoryCache; set is forceSetValue()',
  async setup({ redisUrl, prefix, ttlMs }) {
    const redis = new Redis(redisUrl);
    await redis.ping();
    const asyncCache = new RedisCache<unknown>(redis, { json: true, prefix, ttlInMsecs: ttlMs });
    const loader = new Loader<unknown, Params>({
      asyncCache,
      cacheKeyFromLoadParamsResolver: (params) => params.key,
      dataSourceGetOneFn: (params) => params.load(),
    });
    return {
      get: (key) => asyncCache.get(key),
      set: (key, value) => loader.forceSetValue(key, value),
      getOrSet: (key, load) => loader.get({ key, load }),
      async close() {
        await loader.close();
        await redis.quit();
      },
    };
  },
};
