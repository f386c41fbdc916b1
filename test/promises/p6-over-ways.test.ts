import { FaultProxy } from 'tiercel/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { CacheManager } from 'tiercel';
import { eventually } from '../support/eventually.js';
import { Opened } from '../support/open-cache.js';
import { startRedis, type RedisServer } from '../support/redis.js';
import { waysOfEachKind } from '../support/ways-to-hear.js';

describe.each(waysOfEachKind)('P6 no lost invalidation, over $name', (way) => {
  let server: RedisServer;
  let proxy: FaultProxy;
  const opened = new Opened();
  let count = 0;

  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.stop());
  afterEach(async () => {
    await opened.close();
    await proxy.close();
  });

  const open = (url: string, commandTimeout: number): Promise<CacheManager> =>
    opened.cache(
      way,
      url,
      { namespace: 'shop', ttl: '1h', coherence: way.coherence, maxStaleWhenDisconnected: '1h' },
      { commandTimeout, retryDelay: { min: 5, max: 20 } },
    );

  it.each<[string, (cache: CacheManager, key: string) => Promise<unknown>]>([
    ['delete', (cache, key) => cache.delete(key)],
    ['set', (cache, key) => cache.set(key, 'new')],
    ['invalidateTags', (cache) => cache.invalidateTags(['t'])],
  ])(
    '%s that cannot reach Redis fails, counts here at once, and everywhere as soon as it can',
    async (_, invalidate) => {
      proxy = await FaultProxy.to(server.port);
      const here = await open(proxy.url, 100);
      const there = await open(server.url, 5000);
      const key = `k${count++}`;
      await eventually('a value', async () => {
        await there.set(key, 'old', { tags: ['t'] });
        return (await here.get(key)) === 'old' && (await there.get(key)) === 'old';
      });
      // Only this process is cut off; the other one serves its copy, since nobody has told it otherwise.
      proxy.cut();
      await expect(invalidate(here, key)).rejects.toMatchObject({ code: expect.stringMatching(/^TIERCEL_/) });
      expect(here.peek(key)).toBeUndefined();
      expect(await here.get(key)).toBeUndefined();
      expect(await here.getOrSet(key, async () => 'loaded')).toBe('loaded');
      expect(await there.get(key)).toBe('old');
      proxy.heal();
      await eventually('the other hears of it', async () => (await there.get(key)) !== 'old');
      expect(await here.get(key)).not.toBe('old');
    },
  );
});
