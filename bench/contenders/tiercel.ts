import { createCache, type RedisOptions } from 'tiercel';
import type { BenchCache, Contender, Setup } from '../contender.js';

export async function setupTiercel(
  { redisUrl, prefix, ttlMs, layers, memoryEntries, memoryBytes }: Setup,
  redis: RedisOptions = redisUrl,
): Promise<BenchCache> {
  const bytes = memoryBytes === undefined ? {} : { maxBytes: memoryBytes };
  const memory = layers === 'memory+redis' && { maxEntries: memoryEntries, ...bytes };
  const cache = createCache({ redis, namespace: prefix, ttl: ttlMs, memory });
  await cache.ready();
  return {
    get: (key) => cache.get(key),
    async set(key, value, ttl) {
      await cache.set(key, value, { ttl });
    },
    async delete(key) {
      await cache.delete(key);
    },
    getOrSet: (key, load) => cache.getOrSet(key, load),
    async getMany(keys) {
      const found = await cache.getMany(keys);
      return keys.map((key) => found.get(key));
    },
    close: () => cache.close(),
  };
}

export const contender: Contender = {
  name: 'tiercel',
  role: 'ours',
  packages: ['tiercel', '@redis/client'],
  configured: {
    'memory+redis':
      'createCache({ redis: url, namespace, ttl, memory: { maxEntries } }), the rest by default',
    redis: 'createCache({ redis: url, namespace, ttl, memory: false }), the rest by default',
  },
  setup: (setup) => setupTiercel(setup),
};
