import { BentoCache, bentostore } from 'bentocache';
import { redisDriver } from 'bentocache/drivers/redis';
import { Redis } from 'ioredis';
import type { Contender } from '../contender.js';

export const contender: Contender = {
  name: 'bentocache',
  role: 'peer',
  packages: ['bentocache', 'ioredis'],
  configured:
    'bentostore().useL2Layer(redisDriver) over ioredis 5, its supported client; no L1 layer, no bus',
  async setup({ redisUrl, prefix, ttlMs }) {
    // A connection of ours, as its documentation allows: the driver would open one itself but cannot be awaited.
    const connection = new Redis(redisUrl);
    await connection.ping();
    const bento = new BentoCache({
      default: 'redis',
      stores: { redis: bentostore({ prefix, ttl: ttlMs }).useL2Layer(redisDriver({ connection })) },
    });
    return {
      get: (key) => bento.get({ key }),
      async set(key, value, ttl) {
        if (!(await bento.set({ key, value, ttl }))) throw new Error('bentocache: set answered false');
      },
      getOrSet: (key, load) => bento.getOrSet({ key, factory: load }),
      close: () => bento.disconnect(),
    };
  },
};
