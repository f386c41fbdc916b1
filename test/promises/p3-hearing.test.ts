import { FaultProxy } from 'tiercel/testing';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { CacheManager, CacheOptions, Duration } from 'tiercel';
import { eventually } from '../support/eventually.js';
import { Opened } from '../support/open-cache.js';
import { startRedis, type RedisServer } from '../support/redis.js';
import { waysToHear } from '../support/ways-to-hear.js';

/** One network hop, on a machine that may be busy with other things. */
const HOP = 500;
/** For how long copies are served without a sign of life, where that is the matter. */
const MAX_STALE = 300;

describe.each(waysToHear)('P3 bounded staleness, over $name', (way) => {
  let server: RedisServer;
  const opened = new Opened();
  let count = 0;
  let key = '';

  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.stop());
  const proxies: FaultProxy[] = [];
  afterEach(async () => {
    await opened.close();
    for (const proxy of proxies.splice(0)) await proxy.close();
  });

  const open = (
    options: Omit<CacheOptions, 'redis'> = {},
    url = server.url,
    commandTimeout: Duration = '5s',
  ): Promise<CacheManager> => {
    key = `k${count++}`;
    const { coherence } = way;
    const timing = { commandTimeout, retryDelay: { min: 5, max: 20 } } as const;
    return opened.cache(way, url, { namespace: 'shop', ttl: '1h', coherence, ...options }, timing);
  };
  const redisKey = (): string => `${way.keyPrefix}shop::${key}`;
  const gone = (cache: CacheManager): Promise<unknown> =>
    eventually('the copy is gone', () => cache.peek(key) === undefined, HOP);
  /** A copy that lasts: by a connection apart, the news of the write itself may come only after it was read. */
  const copied = (cache: CacheManager, value: unknown): Promise<unknown> =>
    eventually('a copy', async () => {
      if ((await cache.get(key)) !== value || cache.peek(key) !== value) return false;
      await pause(15);
      return cache.peek(key) === value;
    });
  const kill = async (): Promise<void> => {
    for (const type of ['normal', 'pubsub'])
      await server.cli('CLIENT', 'KILL', 'TYPE', type, 'SKIPME', 'yes');
  };

  it.runIf(way.hearsAnyone).each([
    ['SET', () => ['SET', redisKey(), 'something else']],
    ['DEL', () => ['DEL', redisKey()]],
    ['an expiry that is brought forward', () => ['PEXPIRE', redisKey(), '1']],
    ['RENAME', () => ['RENAME', redisKey(), 'elsewhere']],
    ['FLUSHALL', () => ['FLUSHALL']],
    ['FLUSHDB', () => ['FLUSHDB']],
  ])('a copy goes one hop after %s by anyone', async (_, command) => {
    const cache = await open();
    await cache.set(key, 'v');
    await copied(cache, 'v');
    await server.cli(...command());
    if (command()[0] === 'PEXPIRE') {
      // Redis tells of the expiry when it notices it, at the latest when anyone asks.
      await eventually('the expiry', async () => (await server.cli('EXISTS', redisKey())) === 0);
    }
    await gone(cache);
  });

  it.each<[string, (there: CacheManager) => Promise<unknown>]>([
    ['set', (there) => there.set(key, 'new')],
    ['setMany', (there) => there.setMany([[key, 'new']])],
    ['delete', (there) => there.delete(key)],
    ['deleteMany', (there) => there.deleteMany([key])],
    ['expire', (there) => there.expire(key, '2h')],
    ['invalidateTags', (there) => there.invalidateTags(['t'])],
  ])('a copy goes one hop after %s in another process', async (_, change) => {
    const [here, there] = [await open(), await open()];
    await eventually('a tagged value', async () => {
      await there.set(key, 'old', { tags: ['t'] });
      return (await here.get(key)) === 'old';
    });
    await copied(here, 'old');
    await change(there);
    await gone(here);
    expect(there.peek(key)).not.toBe('old');
  });

  it('a copy goes when another process refreshes the value', async () => {
    const options = { staleWhileRevalidate: '1h' } as const;
    const [here, there] = [await open(options), await open(options)];
    await there.set(key, 'old', { ttl: 50, jitter: 0 });
    for (const cache of [there, here]) {
      await eventually('the end of its time', async () => (await cache.getEntry(key))?.stale);
    }
    await eventually('a stale copy', async () => (await here.getEntry(key))?.layer === 'memory');
    expect(await there.getOrSet(key, async () => 'new')).toBe('old');
    await eventually(
      'the new value',
      async () => {
        // Asked again: as the server's time is known here, which is behind by how long it took to be told, it may be fresh yet.
        await there.getOrSet(key, async () => 'new');
        return (await here.get(key)) === 'new';
      },
      HOP,
    );
  });

  it('what is loaded here is kept', async () => {
    const cache = await open();
    expect(await cache.getOrSet(key, async () => 'v')).toBe('v');
    if (way.keepsItsOwn) await eventually('a copy', () => cache.peek(key) === 'v', HOP);
    else await copied(cache, 'v');
  });

  it('waiters for a load elsewhere are told of its end', async () => {
    const [here, there] = [await open(), await open()];
    let finish = (): void => undefined;
    const loading = there.getOrSet(key, () => new Promise<string>((done) => (finish = () => done('v'))));
    await eventually('the lease', async () => (await server.cli('EXISTS', redisKey())) === 1);
    const waiting = here.getOrSet(key, async () => 'not this');
    await eventually('the wait', () => here.stats().counters.leaseWaits > 0);
    finish();
    expect(await Promise.all([loading, waiting])).toEqual(['v', 'v']);
  });

  it('no copy survives a connection that is lost, since what happened meanwhile is never told', async () => {
    const here = await open({ maxStaleWhenDisconnected: '1h' });
    await here.set(key, 'old');
    await copied(here, 'old');
    // All are cut, and the change made, before the process has its turn.
    await kill();
    await server.cli('SET', redisKey(), 'somebody else’s');
    await eventually('the copy is gone', () => here.peek(key) === undefined, 5000);
  });

  it('changes are heard of from the first read of every connection on', async () => {
    const [here, there] = [await open(), await open()];
    for (const round of [1, 2, 3]) {
      await eventually('a write', () =>
        there.set(key, round).then(
          () => true,
          () => false,
        ),
      );
      await kill();
      await eventually('the connections', async () => {
        const healths = await Promise.all([here.healthCheck(), there.healthCheck()]);
        return healths.every(({ healthy }) => healthy);
      });
      // The first copy that the new connection allows must be told of the change right behind it.
      await copied(here, round);
      await eventually('a change', () => there.expire(key, '2h').catch(() => false));
      await gone(here);
    }
  });

  it.each([
    ['Redis is stopped', 'stopped'],
    ['the connection is dead and nobody was told', 'half-open'],
  ])('copies are served for maxStaleWhenDisconnected and no longer when %s', async (_, how) => {
    const proxy = await FaultProxy.to(server.port);
    proxies.push(proxy);
    // A deadline far above the time that copies may be trusted must not prolong it.
    const here = await open({ maxStaleWhenDisconnected: MAX_STALE }, proxy.url, '3s');
    await here.set(key, 'v');
    await copied(here, 'v');
    if (how === 'stopped') await server.freeze();
    else proxy.blackHole();
    const began = performance.now();
    try {
      if (how === 'half-open') expect(here.peek(key)).toBe('v');
      await eventually('the copy is gone', () => here.peek(key) === undefined, 2000);
      expect(performance.now() - began).toBeLessThan(MAX_STALE + HOP);
    } finally {
      if (how === 'stopped') await server.thaw();
    }
  });
});
