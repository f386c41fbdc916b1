import { createCache } from 'async-cache-dedupe';
import { Redis } from 'ioredis';
import { ignoreErrors, type Contender, type Load } from '../contender.js';

interface Params {
  readonly key: string;
  readonly load: Load<unknown>;
  readonly tags?: readonly string[];
}

export const contender: Contender = {
  name: 'async-cache-dedupe',
  role: 'peer',
  packages: ['async-cache-dedupe', 'ioredis'],
  configured: {
    memory:
      "createCache({ storage: { type: 'memory', options: { size } } }), one define(); its storage is memory or Redis, not both",
    redis: "createCache({ storage: { type: 'redis', client: ioredis 5 } }), one define(); no references",
  },
  redisKey: (prefix, key) => `${prefix}~${key}`,
  async setup({ redisUrl, prefix, ttlMs, layers, memoryEntries, usesTags }) {
    const client = layers === 'redis' ? new Redis(redisUrl).on('error', ignoreErrors) : undefined;
    await client?.ping();
    const ttl = Math.ceil(ttlMs / 1_000);
    const cache = createCache({
      ttl,
      storage: client
        ? { type: 'redis', options: { client, ...(usesTags && { invalidation: { referencesTTL: ttl } }) } }
        : { type: 'memory', options: { size: memoryEntries } },
    }).define(
      prefix,
      {
        serialize: (params: Params) => params.key,
        ...(usesTags && { references: (params: Params) => [...(params.tags ?? [])] }),
      },
      (params: Params) => params.load(),
    );
    const resolve = cache[prefix] as (params: Params) => Promise<unknown>;
    // define() stores under this name; its get() and set() take the stored name.
    const stored = (key: string): string => `${prefix}~${key}`;
    return {
      get: (key) => cache.get(prefix, stored(key)),
      async set(key, value, ttlOfEntry) {
        await cache.set(prefix, stored(key), value, Math.ceil(ttlOfEntry / 1_000));
      },
      async delete(key) {
        await cache.clear(prefix, { key });
      },
      getOrSet: (key, load) => resolve({ key, load }),
      async close() {
        await client?.quit();
      },
      tags: {
        getOrSet: (key, tag, load) => resolve({ key, load, tags: [tag] }),
        async invalidate(tag) {
          await cache.invalidateAll([tag]);
        },
      },
    };
  },
};
