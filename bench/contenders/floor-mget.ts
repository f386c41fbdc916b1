import { createClient, RESP_TYPES } from '@redis/client';
import { ignoreErrors, type Contender } from '../contender.js';
import { cacheAside } from './cache-aside.js';

interface Waiting {
  readonly key: string;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

const parse = (bytes: Buffer | null | undefined): unknown =>
  bytes ? (JSON.parse(bytes.toString()) as unknown) : undefined;

export const contender: Contender = {
  name: 'bare MGET batcher',
  role: 'floor',
  packages: ['@redis/client'],
  configured: {
    redis:
      'the gets of one turn as one MGET by sendCommand with Buffers, JSON around: the least that many GETs at once can cost here; no dedupe, no bound',
  },
  async setup({ redisUrl, prefix, ttlMs }) {
    const client = createClient({ url: redisUrl, commandOptions: { timeout: 0 } }).on('error', ignoreErrors);
    await client.connect();
    const options = { timeout: 0, typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer } };
    const mget = (keys: readonly string[]): Promise<(Buffer | null)[]> =>
      client.sendCommand(['MGET', ...keys], options);
    let batch: Waiting[] = [];
    const flush = (): void => {
      const asked = batch;
      batch = [];
      mget(asked.map(({ key }) => key)).then(
        (found) => {
          for (const [i, { resolve }] of asked.entries()) resolve(parse(found[i]));
        },
        (error: unknown) => {
          for (const { reject } of asked) reject(error);
        },
      );
    };
    const get = (key: string): Promise<unknown> =>
      new Promise((resolve, reject) => {
        if (batch.push({ key: prefix + key, resolve, reject }) === 1) process.nextTick(flush);
      });
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
      getMany: async (keys) => (await mget(keys.map((key) => prefix + key))).map(parse),
      async close() {
        await client.close();
      },
    };
  },
};
