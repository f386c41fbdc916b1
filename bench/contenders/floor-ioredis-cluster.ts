import { Cluster } from 'ioredis6';
import { ignoreErrors, type Contender } from '../contender.js';
import { cacheAside } from './cache-aside.js';

export const contender: Contender = {
  name: 'ioredis 6, bare Cluster',
  role: 'floor',
  packages: ['ioredis6'],
  configured: {
    redis: 'new Cluster(urls), get() and set(PX) with JSON.parse and JSON.stringify around; no dedupe',
  },
  async setup({ resourceUrl = '', prefix, ttlMs }) {
    const cluster = new Cluster(resourceUrl.split(',')).on('error', ignoreErrors);
    await cluster.ping();
    const get = async (key: string): Promise<unknown> => {
      const text = await cluster.get(prefix + key);
      return text === null ? undefined : (JSON.parse(text) as unknown);
    };
    const set = async (key: string, value: unknown, ttl: number): Promise<void> => {
      await cluster.set(prefix + key, JSON.stringify(value), 'PX', ttl);
    };
    return {
      get,
      set,
      async delete(key) {
        await cluster.del(prefix + key);
      },
      getOrSet: cacheAside({ get, set }, ttlMs),
      async close() {
        await cluster.quit();
      },
    };
  },
};
