import { cachified, createCacheEntry, totalTtl, type Cache, type CacheEntry } from '@epic-web/cachified';
import { createClient } from '@redis/client';
import { redisCacheAdapter } from 'cachified-redis-adapter';
import { LRUCache } from 'lru-cache';
import { ignoreErrors, type Contender } from '../contender.js';

/** The adapter of its README. */
function inMemory(max: number): Cache {
  const lru = new LRUCache<string, CacheEntry>({ max });
  return {
    set(key, value) {
      const ttl = totalTtl(value?.metadata);
      return lru.set(key, value, {
        ...(ttl === Infinity ? {} : { ttl }),
        start: value?.metadata?.createdTime,
      });
    },
    get: (key) => lru.get(key),
    delete: (key) => lru.delete(key),
  };
}

export const contender: Contender = {
  name: 'cachified',
  role: 'peer',
  packages: ['@epic-web/cachified', 'cachified-redis-adapter', '@redis/client', 'lru-cache'],
  configured: {
    memory:
      'cachified({ cache: LRUCache({ max }) by the adapter of its README }); one cache a call, so memory or Redis',
    redis: 'cachified({ cache: redisCacheAdapter(createClient({ url })) }); set writes createCacheEntry()',
  },
  redisKey: (prefix, key) => prefix + key,
  async setup({ redisUrl, prefix, ttlMs, layers, memoryEntries }) {
    const client = layers === 'redis' ? createClient({ url: redisUrl }).on('error', ignoreErrors) : undefined;
    await client?.connect();
    const cache = client ? redisCacheAdapter(client) : inMemory(memoryEntries);
    return {
      async get(key) {
        return (await cache.get(prefix + key))?.value;
      },
      async set(key, value, ttl) {
        await cache.set(prefix + key, createCacheEntry(value, { ttl }));
      },
      async delete(key) {
        await cache.delete(prefix + key);
      },
      getOrSet: (key, load) => cachified({ cache, key: prefix + key, ttl: ttlMs, getFreshValue: load }),
      async close() {
        await client?.close();
      },
    };
  },
};
