import KeyvRedis from '@keyv/redis';
import { Cacheable } from 'cacheable';
import { Keyv } from 'keyv';
import type { Contender } from '../contender.js';

export const contender: Contender = {
  name: 'cacheable',
  role: 'peer',
  packages: ['cacheable', 'keyv', '@keyv/redis'],
  configured:
    'new Cacheable({ primary: Keyv over @keyv/redis }): it must have a primary store, so Redis is the primary',
  async setup({ redisUrl, prefix, ttlMs }) {
    const store = new KeyvRedis(redisUrl, { namespace: prefix });
    const cache = new Cacheable({
      primary: new Keyv({ store, namespace: prefix, useKeyPrefix: false }),
      ttl: ttlMs,
    });
    // Failures come as events and are answered like misses; they show here as loads and wrong values.
    cache.on('error', () => undefined);
    await cache.get('connect');
    return {
      get: (key) => cache.get(key),
      async set(key, value, ttl) {
        if (!(await cache.set(key, value, ttl))) throw new Error('cacheable: set answered false');
      },
      getOrSet: (key, load) => cache.getOrSet(key, load),
      close: () => cache.disconnect(),
    };
  },
};
