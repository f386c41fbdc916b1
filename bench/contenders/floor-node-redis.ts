import { createClient } from '@redis/client';
import { ignoreErrors, type Contender } from '../contender.js';
import { cacheAside } from './cache-aside.js';

export const contender: Contender = {
  name: '@redis/client, bare',
  role: 'floor',
  packages: ['@redis/client'],
  configured: { redis: 'createClient({ url }) as it comes, get() and set(PX) with JSON around; no dedupe' },
  async setup({ redisUrl, prefix, ttlMs }) {
    const client = createClient({ url: redisUrl }).on('error', ignoreErrors);
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
      async delete(key) {
        await client.del(prefix + key);
      },
      getOrSet: cacheAside({ get, set }, ttlMs),
      async close() {
        await client.close();
      },
    };
  },
};
