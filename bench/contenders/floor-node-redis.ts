import { createClient } from '@redis/client';
import type { Contender } from '../contender.js';

export const contender: Contender = {
  name: '@redis/client, bare',
  role: 'floor',
  packages: ['@redis/client'],
  configured: 'createClient({ url }) as it comes, get() and set(PX) with JSON around; no dedupe',
  async setup({ redisUrl, prefix, ttlMs }) {
    const client = createClient({ url: redisUrl });
    await client.connect();
    const get = async (key: string): Promise<unknown> => {
      const text = await client.get(prefix + key);
      return text === null ? undefined : (JSON.parse(text) as unknown);
    };
    const set = async (key: string, value: unknown, ttl: number): Promise<void> => {
      await client.set(prefix + key, JSON.stringify(value), { PX: ttl });
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
        await client.close();
      },
    };
  },
};
