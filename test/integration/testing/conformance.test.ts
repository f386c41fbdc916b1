import { afterAll, beforeAll, describe, it } from 'vitest';
import { createCache } from 'tiercel';
import { conformance, type ConformanceCache, type ConformanceRedis } from 'tiercel/testing';
import { startRedis, type RedisServer } from '../../support/redis.js';

describe('Tiercel keeps', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedis({ appendonly: true });
  });
  afterAll(() => server.stop());

  // The suite names its checks before the server is up.
  const redis: ConformanceRedis = {
    get url() {
      return server.url;
    },
    freeze: () => server.freeze(),
    thaw: () => server.thaw(),
    kill: () => server.kill(),
    restart: () => server.restart(),
    cli: (...args) => server.cli(...args),
  };
  const open = async (redisUrl: string): Promise<ConformanceCache> => {
    const cache = createCache({ redis: redisUrl, namespace: 'conformance' });
    await cache.ready();
    return {
      getOrSet: (key, load) => cache.getOrSet(key, load),
      set: (key, value) => cache.set(key, value),
      delete: async (key) => void (await cache.delete(key)),
      close: () => cache.close(),
      tags: {
        getOrSet: (key, tag, load) => cache.getOrSet(key, load, { tags: [tag] }),
        invalidate: (tag) => cache.invalidateTags([tag]),
      },
      writeBehind(toDatabase) {
        const rows = cache.resource<string, unknown>('row', {
          load: () => undefined,
          save: toDatabase,
          write: 'behind',
          behind: { lease: 500, retryDelay: { min: 20, max: 100 }, closeTimeout: 0 },
        });
        return { write: (id, value) => rows.save(id, value) };
      },
    };
  };
  const redisKey = (key: string): string => `conformance::${key}`;

  for (const { promise, name, run } of conformance({ redis, open, redisKey, patience: 5000 })) {
    it(`${promise}: ${name}`, run);
  }
});
