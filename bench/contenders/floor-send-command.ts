import { createClient, RESP_TYPES } from '@redis/client';
import { ignoreErrors, type Contender } from '../contender.js';
import { cacheAside } from './cache-aside.js';

export const contender: Contender = {
  name: '@redis/client sendCommand',
  role: 'floor',
  packages: ['@redis/client'],
  configured: {
    redis:
      'sendCommand with Buffers, no per-command timeout, JSON around: the least that one GET or SET a call can cost here; no dedupe',
  },
  async setup({ redisUrl, prefix, ttlMs }) {
    const client = createClient({ url: redisUrl, commandOptions: { timeout: 0 } }).on('error', ignoreErrors);
    await client.connect();
    const options = { timeout: 0, typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer } };
    const get = async (key: string): Promise<unknown> => {
      const bytes = await client.sendCommand<Buffer | null>(['GET', prefix + key], options);
      return bytes === null ? undefined : (JSON.parse(bytes.toString()) as unknown);
    };
    const set = async (key: string, value: unknown, ttl: number): Promise<void> => {
      const bytes = Buffer.from(JSON.stringify(value));
      await client.sendCommand(['SET', prefix + key, bytes, 'PX', String(ttl)], options);
    };
    return {
      get,
      set,
      async delete(key) {
        await client.sendCommand(['DEL', prefix + key], options);
      },
      getOrSet: cacheAside({ get, set }, ttlMs),
      async close() {
        await client.close();
      },
    };
  },
};
