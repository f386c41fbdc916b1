import { Redis } from 'ioredis6';
import type { Contender } from '../contender.js';

export const contender: Contender = {
  name: 'ioredis 6, bare',
  role: 'floor',
  packages: ['ioredis6'],
  configured: 'new Redis(url), get() and set(PX) with JSON.parse and JSON.stringify around; no dedupe',
  async setup({ redisUrl, prefix, ttlMs }) {
    const redis = new Redis(redisUrl);
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
      async getOrSet(key, load) {
        const found = await get(key);
        if (found !== undefined) return found;
        const value = await load();
        await set(key, value, ttlMs);
        return value;
      },
      async close() {
        await redis.quit();
      },
    };
  },
};
