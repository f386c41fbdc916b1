import { FaultProxy } from 'tiercel/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createClient } from '@redis/client';
import { createCache, type CacheManager, type CacheOptions } from 'tiercel';
import { deferred } from '../../servers/deferred.js';
import { eventually } from '../support/eventually.js';
import { FakeRedis } from '../support/fake-redis.js';
import { startRedis, type RedisServer } from '../support/redis.js';

/** One network hop, and the patience with a message that comes out of turn, on a machine that may be busy. */
const HOP = 1000;
const CHANNEL = 'shop:%changes';

interface Told {
  readonly by: string;
  readonly n: number;
  readonly keys?: readonly string[];
}

describe('P3 bounded staleness, where caches tell each other', () => {
  let server: RedisServer;
  const closers: Array<() => unknown> = [];

  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.stop());
  afterEach(async () => {
    for (const close of closers.splice(0).toReversed()) await close();
    await server.cli('FLUSHALL');
  });

  async function open(options: CacheOptions = {}): Promise<CacheManager> {
    const redis = { url: server.url, commandTimeout: '5s', retryDelay: { min: 5, max: 20 } } as const;
    const cache = createCache({ redis, namespace: 'shop', ttl: '1h', coherence: 'pubsub', ...options });
    closers.push(() => cache.close());
    await cache.ready();
    return cache;
  }

  const publish = (message: Told | string): Promise<unknown> =>
    server.cli('PUBLISH', CHANNEL, typeof message === 'string' ? message : JSON.stringify(message));

  /** What caches say on the channel. */
  async function listen(): Promise<Told[]> {
    const heard: Told[] = [];
    const client = createClient({ url: server.url });
    client.on('error', () => undefined);
    await client.connect();
    closers.push(() => client.destroy());
    await client.subscribe(CHANNEL, (message) => void heard.push(JSON.parse(message) as Told));
    return heard;
  }

  async function withCopy(): Promise<CacheManager> {
    const cache = await open();
    await cache.set('k', 'v');
    expect(cache.peek('k')).toBe('v');
    return cache;
  }

  const copyGoes = (cache: CacheManager): Promise<unknown> =>
    eventually('the copy is gone', () => cache.peek('k') === undefined, HOP);

  describe('every change is told', () => {
    it.each<[string, string, (cache: CacheManager) => Promise<unknown>]>([
      ['set', 'shop::k', (cache) => cache.set('k', 'v')],
      ['setMany', 'shop::k', (cache) => cache.setMany([['k', 'v']])],
      ['delete', 'shop::k', (cache) => cache.delete('k')],
      ['deleteMany', 'shop::k', (cache) => cache.deleteMany(['other', 'k'])],
      ['expire', 'shop::k', (cache) => cache.expire('k', '2h')],
      ['a fill', 'shop::cold', (cache) => cache.getOrSet('cold', async () => 'v')],
      [
        'a lease that is given back',
        'shop::bad',
        (cache) => cache.getOrSet('bad', () => Promise.reject(new Error('no'))).catch(() => undefined),
      ],
      ['the stamp of a tag', 'shop:%tag::t', (cache) => cache.invalidateTags(['t'])],
      ['the record of a tag', 'shop:%tag::new', (cache) => cache.getOrSet('x', () => 1, { tags: ['new'] })],
      ['what is set in a namespace within', 'shop:eu::k', (cache) => cache.namespace('eu').set('k', 1)],
    ])('%s', async (_, redisKey, change) => {
      const cache = await open();
      await cache.set('k', 'before');
      const heard = await listen();
      await change(cache);
      await eventually('the message', () => heard.some(({ keys }) => keys?.includes(redisKey)), HOP);
    });

    it('what could not reach Redis, when it is made up for, and that a message is missing', async () => {
      const proxy = await FaultProxy.to(server.port);
      closers.push(() => proxy.close());
      const cache = await open({
        redis: { url: proxy.url, commandTimeout: 200, retryDelay: { min: 5, max: 20 } },
      });
      const there = await open();
      await there.set('unrelated', 1);
      await cache.set('k', 'v');
      const heard = await listen();
      proxy.cut();
      await expect(cache.delete('k')).rejects.toThrow();
      proxy.heal();
      await eventually('the message', () => heard.some(({ keys }) => keys?.includes('shop::k')), 3000);
      expect(await server.cli('EXISTS', 'shop::k')).toBe(0);
      await eventually('its number is missed', () => there.peek('unrelated') === undefined, 3000);
    });

    it('by a cache without memory, too', async () => {
      const here = await withCopy();
      const there = await open({ memory: false });
      await there.delete('k');
      await copyGoes(here);
    });

    it('after it was made, and with a number of its own', async () => {
      const cache = await open();
      const heard = await listen();
      await Promise.all(Array.from({ length: 200 }, (_, i) => cache.set(`k${i}`, i)));
      await eventually('all messages', () => heard.filter(({ keys }) => keys).length === 200, HOP);
      const numbers = heard.flatMap(({ n, keys }) => (keys ? [n] : []));
      expect(new Set(numbers).size).toBe(200);
      expect(Math.max(...numbers) - Math.min(...numbers)).toBe(199);
    });
  });

  it('a reader that is told of a change finds it made, always', async () => {
    const [here, there] = [await open(), await open()];
    const client = createClient({ url: server.url });
    client.on('error', () => undefined);
    await client.connect();
    closers.push(() => client.destroy());
    const seen: Array<Promise<unknown>> = [];
    const told: number[] = [];
    await client.subscribe(CHANNEL, (message) => {
      const { keys } = JSON.parse(message) as Told;
      if (!keys?.includes('shop::k')) return;
      told.push(told.length);
      seen.push(here.getEntry('k'));
    });
    for (let i = 1; i <= 200; i++) await there.set('k', i);
    await eventually('all messages', () => told.length === 200, HOP);
    const values = (await Promise.all(seen)).map((entry) => (entry as { value: number }).value);
    for (const [i, value] of values.entries()) expect(value).toBeGreaterThanOrEqual(i);
    await eventually('the last value', async () => (await here.get('k')) === 200, HOP);
  });

  describe('a message that is not heard costs copies, never truth:', () => {
    it('one that is missing between others', async () => {
      const cache = await withCopy();
      await publish({ by: 'p', n: 1, keys: ['shop::other'] });
      await publish({ by: 'p', n: 3, keys: ['shop::other'] });
      await copyGoes(cache);
    });

    it('the last one, when the publisher tells its number', async () => {
      const cache = await withCopy();
      await publish({ by: 'p', n: 1, keys: ['shop::other'] });
      await publish({ by: 'p', n: 2 });
      await copyGoes(cache);
    });

    it('those of a publisher that is first heard of in the middle', async () => {
      const cache = await withCopy();
      await publish({ by: 'p', n: 7, keys: ['shop::other'] });
      await copyGoes(cache);
      await cache.set('k', 'v');
      await publish({ by: 'q', n: 7 });
      await copyGoes(cache);
    });

    it('those of a publisher that began anew', async () => {
      const cache = await withCopy();
      for (const n of [1, 2]) await publish({ by: 'p', n, keys: ['shop::other'] });
      await publish({ by: 'p', n: 1, keys: ['shop::other'] });
      await copyGoes(cache);
    });

    it('one that cannot be read', async () => {
      const cache = await withCopy();
      await publish('{"version":2}');
      await copyGoes(cache);
    });
  });

  it('messages that come out of turn, and those of a publisher that has just begun, cost nothing', async () => {
    const cache = await withCopy();
    for (const n of [1, 3, 2, 5, 4]) await publish({ by: 'p', n, keys: ['shop::other'] });
    await publish({ by: 'p', n: 5 });
    await publish({ by: 'q', n: 0 });
    const began = performance.now();
    await eventually('longer than is waited for one', () => performance.now() > began + 400);
    expect(cache.peek('k')).toBe('v');
    await publish({ by: 'p', n: 6, keys: ['shop::k'] });
    await copyGoes(cache);
  });

  it('a load that was under way when messages were missed is stored, and the next read keeps it', async () => {
    const cache = await open();
    const go = deferred<undefined>();
    const loading = cache.getOrSet('k', async () => {
      await go.promise;
      return 'v';
    });
    await eventually('the lease', async () => (await server.cli('EXISTS', 'shop::k')) === 1);
    const kept = await open();
    await kept.set('other', 1);
    await publish({ by: 'p', n: 7 });
    await eventually('the loss is noticed', () => kept.peek('other') === undefined, HOP);
    go.resolve(undefined);
    expect(await loading).toBe('v');
    await eventually('the value', async () => (await cache.get('k')) === 'v' && cache.peek('k') === 'v', HOP);
  });

  it('a process that joins is told the numbers of the others before it has copies to lose', async () => {
    const there = await open();
    await there.set('k', 'v');
    const here = await open();
    await eventually('a copy that lasts', async () => {
      await here.get('k');
      const began = performance.now();
      await eventually('time', () => performance.now() > began + 50);
      return here.peek('k') === 'v';
    });
    await there.set('other', 1);
    const began = performance.now();
    await eventually('longer than is waited for a message', () => performance.now() > began + 400);
    expect(here.peek('k')).toBe('v');
  });

  it('is heard of over several servers, whichever of them holds the key', async () => {
    const other = await startRedis();
    closers.push(() => other.stop());
    const redis = { shards: [server.url, other.url], commandTimeout: '5s' } as const;
    const [here, there] = [await open({ redis }), await open({ redis })];
    const keys = Array.from({ length: 20 }, (_, i) => `k${i}`);
    await there.setMany(keys.map((key) => [key, 'old']));
    for (const one of [server, other]) expect(await one.cli('DBSIZE')).toBeGreaterThan(1);
    await eventually('copies', async () => {
      await here.getMany(keys);
      return keys.every((key) => here.peek(key) === 'old');
    });
    await there.setMany(keys.map((key) => [key, 'new']));
    await eventually('no old copy', () => keys.every((key) => here.peek(key) !== 'old'), HOP);
    // Without the news of one of them no copy of either is proven.
    await other.kill();
    await eventually(
      'the loss is noticed',
      async () => {
        await here.getMany(keys);
        return keys.every((key) => here.peek(key) === undefined);
      },
      8000,
    );
  });

  it('works for a user who may not use CLIENT TRACKING, where tracking says what to choose', async () => {
    const strict = await startRedis({ acl: ['app on >secret ~* &* +@all -client|tracking'] });
    closers.push(() => strict.stop());
    const redis = { url: strict.url, username: 'app', password: 'secret', commandTimeout: '5s' } as const;
    const refused = createCache({ redis, namespace: 'shop' });
    closers.push(() => refused.close());
    await expect(refused.ready()).rejects.toThrow(/NOPERM.*choose coherence: 'pubsub'/);
    const [here, there] = [await open({ redis }), await open({ redis })];
    await there.set('k', 'v');
    await eventually('a copy', async () => (await here.get('k')) === 'v' && here.peek('k') === 'v');
    await there.delete('k');
    await copyGoes(here);
  });

  it('is what a server that refuses CLIENT TRACKING is told to be used with', async () => {
    const proxy = await FakeRedis.start(() => '$-1\r\n', {
      'client tracking': "-ERR unknown subcommand 'tracking'\r\n",
    });
    closers.push(() => proxy.close());
    const cache = createCache({ redis: { url: proxy.url, maxRetries: 0 } });
    closers.push(() => cache.close());
    await expect(cache.ready()).rejects.toThrow(/choose coherence: 'pubsub'/);
  });

  it('keeps nothing in memory while nobody tells, though Redis answers', async () => {
    const proxy = await FaultProxy.to(server.port);
    closers.push(() => proxy.close());
    const client = createClient({ url: proxy.url });
    client.on('error', () => undefined);
    await client.connect();
    closers.push(() => client.destroy());
    const cache = await open({
      redis: { client, commandTimeout: '5s', retryDelay: { min: 5, max: 20 } },
      maxStaleWhenDisconnected: '1h',
    });
    await cache.set('k', 'v');
    // No further connection succeeds, and the one that listens is ended; the application's goes on.
    proxy.refuse();
    await server.cli('CLIENT', 'KILL', 'TYPE', 'pubsub');
    await eventually('the loss is noticed', async () => {
      await cache.delete('x');
      await cache.set('x', 1);
      return cache.peek('x') === undefined;
    });
    expect(await cache.get('x')).toBe(1);
    expect(cache.peek('x')).toBeUndefined();
    proxy.heal();
    await eventually(
      'copies are kept again',
      async () => (await cache.get('x')) === 1 && cache.peek('x') === 1,
    );
  });
});
