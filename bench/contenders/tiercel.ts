import { createCache } from 'tiercel';
import type { Contender } from '../contender.js';

export const contender: Contender = {
  name: 'tiercel',
  role: 'ours',
  packages: ['tiercel', '@redis/client'],
  configured: 'createCache({ redis: url, namespace, ttl }), everything else by default; no memory layer',
  async setup({ redisUrl, prefix, ttlMs }) {
    const cache = createCache({ redis: redisUrl, namespace: prefix, ttl: ttlMs, memory: false });
    await cache.ready();
    return {
      get: (key) => cache.get(key),
      async set(key, value, ttl) {
        await cache.set(key, value, { ttl });
      },
      getOrSet: (key, load) => cache.getOrSet(key, load),
      close: () => cache.close(),
    };
  },
};
