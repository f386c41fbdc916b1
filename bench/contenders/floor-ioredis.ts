import { Redis } from 'ioredis6';
import { ignoreErrors, type Contender } from '../contender.js';
import { cacheAside } from './cache-aside.js';

export const contender: Contender = {
  name: 'ioredis 6, bare',
  role: 'floor',
  packages: ['ioredis6'],
  configured: {
    redis: 'new Redis(url), get() and set(PX) with JSON.parse and JSON.stringify around; no dedupe',
  },
  async setup({ redisUrl, prefix, ttlMs }) {
    const redis = new Redis(redisUrl).on('error', ignoreErrors);
    await redis.ping();
    const get = async (key: string): Promise<unknown> => {
      const text = await redis.get(prefix + key);
      return text === null ? undefined : (JSON.parse(text) as unknown);
    };
    const set = async (key: string, value: unknown, ttl: number): Promise<void> => {
      await redis.set(prefix + key, JSON.stringify(value), 'PX', ttl);
    };
    return {
      get,
      set,
      async delete(key) {
        await redis.del(prefix + key);
      },
      getOrSet: cacheAside({ get, set }, ttlMs),
      async close() {
        await redis.quit();
      },
    };
  },
};
