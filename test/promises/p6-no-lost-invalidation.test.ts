import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createCache, type CacheManager, type CacheOptions } from 'tiercel';
import { eventually } from '../support/eventually.js';
import { startRedis, type RedisServer } from '../support/redis.js';

describe('P6 no lost invalidation', () => {
  let server: RedisServer;
  const caches: CacheManager[] = [];

  beforeEach(async () => {
    server = await startRedis({ appendonly: true });
  });
  afterEach(async () => {
    for (const cache of caches.splice(0)) await cache.close();
    await server.stop();
  });

  async function open(options: CacheOptions = {}): Promise<CacheManager> {
    const redis = { url: server.url, retryDelay: { min: 5, max: 20 } } as const;
    const cache = createCache({ redis, namespace: 'shop', ttl: '1h', ...options });
    caches.push(cache);
    await cache.ready();
    return cache;
  }

  const outages = [
    ['stopped', () => server.freeze(), () => server.thaw()],
    ['gone', () => server.kill(), () => server.restart()],
  ] as const;

  describe.each(outages)('while Redis is %s', (_, begin, end) => {
    it.each([
      ['delete', (cache: CacheManager) => cache.delete('k')],
      ['set', (cache: CacheManager) => cache.set('k', 'new')],
      ['deleteMany', (cache: CacheManager) => cache.deleteMany(['k'])],
      ['setMany', (cache: CacheManager) => cache.setMany([['k', 'new']])],
    ])(
      '%s says that it failed, is believed here at once, and reaches Redis later',
      async (__, invalidate) => {
        const here = await open();
        await here.set('k', 'old');
        expect(here.peek('k')).toBe('old');
        await begin();
        await expect(invalidate(here)).rejects.toMatchObject({ code: expect.stringMatching(/^TIERCEL_/) });
        expect(here.peek('k')).toBeUndefined();
        expect(await here.get('k')).toBeUndefined();
        expect(await here.getOrSet('k', async () => 'from the database')).toBe('from the database');
        await end();
        const there = await open();
        await eventually('the old value is gone from Redis', async () => (await there.get('k')) !== 'old');
        expect(await here.get('k')).not.toBe('old');
      },
    );

    it('invalidateTags says that it failed, is believed here at once, and reaches Redis later', async () => {
      const here = await open();
      const set = async (): Promise<true | undefined> => {
        await here.getOrSet('k', async () => 'old', { tags: ['users'] });
        return here.peek('k') === 'old' || undefined;
      };
      await eventually('a tagged copy', set);
      await begin();
      await expect(here.invalidateTags(['users'])).rejects.toMatchObject({ code: 'TIERCEL_BULK' });
      expect(here.peek('k')).toBeUndefined();
      expect(await here.getOrSet('k', async () => 'from the database', { tags: ['users'] })).toBe(
        'from the database',
      );
      await end();
      const there = await open();
      await eventually('no process serves it', async () => (await there.get('k')) !== 'old');
      expect(await here.get('k')).not.toBe('old');
    });
  });

  it('Redis is not read for the key before the invalidation was replayed', async () => {
    const here = await open();
    await here.set('k', 'old');
    await server.kill();
    await expect(here.delete('k')).rejects.toThrow();
    await server.restart();
    // From the first moment on, and many times, until Redis itself has no more of it.
    await eventually('the replay', async () => {
      expect(await here.get('k')).not.toBe('old');
      return (await server.cli('GET', 'shop::k')) === null;
    });
  });
});
