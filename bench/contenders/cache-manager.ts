import { createKeyv } from '@keyv/redis';
import { createCache } from 'cache-manager';
import type { Contender } from '../contender.js';

export const contender: Contender = {
  name: 'cache-manager',
  role: 'peer',
  packages: ['cache-manager', 'keyv', '@keyv/redis'],
  configured: 'createCache({ stores: [createKeyv(url)] }): Redis as the only store; getOrSet is its wrap()',
  async setup({ redisUrl, prefix, ttlMs }) {
    const cache = createCache({ stores: [createKeyv(redisUrl, { namespace: prefix })], ttl: ttlMs });
    await cache.get('connect');
    return {
      get: (key) => cache.get(key),
      async set(key, value, ttl) {
        await cache.set(key, value, ttl);
      },
      getOrSet: (key, load) => cache.wrap(key, load),
      async close() {
        await cache.disconnect();
      },
    };
  },
};
