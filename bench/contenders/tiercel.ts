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
    tags: {
      getOrSet: (key, tag, load) => cache.getOrSet(key, load, { tags: [tag] }),
      invalidate: (tag) => cache.invalidateTags([tag]),
    },
    writeBehind(toDatabase) {
      const rows = cache.resource<string, unknown>('row', {
        load: () => undefined,
        save: toDatabase,
        write: 'behind',
        // The checks wait for eight seconds: what is left behind is to be taken over and tried again within these.
        behind: { lease: 500, retryDelay: { min: 20, max: 100 }, closeTimeout: 0 },
      });
      return { write: (id, value) => rows.save(id, value) };
    },
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
  redisKey: (prefix, key) => `${prefix}::${key}`,
  setup: (setup) => setupTiercel(setup),
};
