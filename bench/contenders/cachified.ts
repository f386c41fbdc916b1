import { cachified, createCacheEntry } from '@epic-web/cachified';
import { createClient } from '@redis/client';
import { redisCacheAdapter } from 'cachified-redis-adapter';
import type { Contender } from '../contender.js';

export const contender: Contender = {
  name: 'cachified',
  role: 'peer',
  packages: ['@epic-web/cachified', 'cachified-redis-adapter', '@redis/client'],
  configured: 'cachified({ cache: redisCacheAdapter(createClient({ url })) }); set writes createCacheEntry()',
  async setup({ redisUrl, prefix, ttlMs }) {
    const client = createClient({ url: redisUrl });
    await client.connect();
    const cache = redisCacheAdapter(client);
    return {
      async get(key) {
        return (await cache.get(prefix + key))?.value;
      },
      async set(key, value, ttl) {
        await cache.set(prefix + key, createCacheEntry(value, { ttl }));
      },
      getOrSet: (key, load) => cachified({ cache, key: prefix + key, ttl: ttlMs, getFreshValue: load }),
      async close() {
        await client.close();
      },
    };
  },
};
