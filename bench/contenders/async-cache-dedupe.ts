import { createCache } from 'async-cache-dedupe';
import { Redis } from 'ioredis';
import type { Contender, Load } from '../contender.js';

interface Params {
  readonly key: string;
  readonly load: Load<unknown>;
}

export const contender: Contender = {
  name: 'async-cache-dedupe',
  role: 'peer',
  packages: ['async-cache-dedupe', 'ioredis'],
  configured: "createCache({ storage: { type: 'redis', client: ioredis 5 } }), one define(); no references",
  async setup({ redisUrl, prefix, ttlMs }) {
    const client = new Redis(redisUrl);
    await client.ping();
    const ttl = Math.ceil(ttlMs / 1_000);
    const cache = createCache({
      ttl,
      storage: { type: 'redis', options: { client } },
    }).define(prefix, { serialize: (params: Params) => params.key }, (params: Params) => params.load());
    const resolve = cache[prefix] as (params: Params) => Promise<unknown>;
    // define() stores under this name; its get() and set() take the stored name.
    const stored = (key: string): string => `${prefix}~${key}`;
    return {
      get: (key) => cache.get(prefix, stored(key)),
      async set(key, value, ttlOfEntry) {
        await cache.set(prefix, stored(key), value, Math.ceil(ttlOfEntry / 1_000));
      },
      getOrSet: (key, load) => resolve({ key, load }),
      async close() {
        await client.quit();
      },
    };
  },
};
