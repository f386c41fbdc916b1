import { createKeyv } from '@keyv/redis';
import { CacheableMemory } from 'cacheable';
import { createCache } from 'cache-manager';
import { Keyv } from 'keyv';
import { ignoreErrors, type Contender } from '../contender.js';

export const contender: Contender = {
  name: 'cache-manager',
  role: 'peer',
  packages: ['cache-manager', 'keyv', '@keyv/redis', 'cacheable'],
  configured: {
    'memory+redis':
      'createCache({ stores: [Keyv over CacheableMemory({ lruSize }), createKeyv(url)] }), as in its README; it has no notifications',
    redis: 'createCache({ stores: [createKeyv(url)] }): Redis as the only store; getOrSet is its wrap()',
  },
  async setup({ redisUrl, prefix, ttlMs, layers, memoryEntries }) {
    const redis = createKeyv(redisUrl, { namespace: prefix });
    redis.on('error', ignoreErrors);
    const memory = new Keyv({ store: new CacheableMemory({ ttl: ttlMs, lruSize: memoryEntries }) });
    const cache = createCache({ stores: layers === 'redis' ? [redis] : [memory, redis], ttl: ttlMs });
    await cache.get('connect');
    return {
      get: (key) => cache.get(key),
      async set(key, value, ttl) {
        await cache.set(key, value, ttl);
      },
      async delete(key) {
        await cache.del(key);
      },
      getOrSet: (key, load) => cache.wrap(key, load),
      getMany: (keys) => cache.mget([...keys]),
      async close() {
        await cache.disconnect();
      },
    };
  },
};
