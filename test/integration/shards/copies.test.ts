import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ConsistentHash, createCache, type CacheManager } from 'tiercel';
import { eventually } from '../../support/eventually.js';
import { Opened } from '../../support/open-cache.js';
import { startRedis, uniquePrefix, type RedisServer } from '../../support/redis.js';
import { FaultProxy } from 'tiercel/testing';

const NAMES = ['a', 'b', 'c'];
const MAX_STALE = 1000;
/** What a busy machine may need to notice the time. */
const SLACK = 500;

describe('copies in memory of keys on shards', () => {
  const opened = new Opened();
  const ring = new ConsistentHash(NAMES);
  const namespace = uniquePrefix();
  const keys = Array.from({ length: 30 }, (_, i) => `k${i}`);
  const on = (name: string): string => keys.find((key) => ring.get(`${namespace}::${key}`) === name) ?? '';
  let servers: RedisServer[];
  let proxy: FaultProxy;
  let here: CacheManager;
  let there: CacheManager;

  beforeAll(async () => {
    servers = await Promise.all(NAMES.map(() => startRedis()));
  });
  afterAll(() => Promise.all(servers.map((server) => server.stop())));
  afterEach(() => opened.close());

  /** Two processes; one of them has its shard `b` behind a proxy. */
  async function setUp(): Promise<void> {
    proxy = await FaultProxy.to(servers[1]?.port ?? 0);
    opened.add(() => proxy.close());
    const open = async (second: string): Promise<CacheManager> => {
      const urls = [servers[0]?.url, second, servers[2]?.url];
      const shards = NAMES.map((name, i) => ({ name, url: urls[i] ?? '' }));
      const redis = { shards, commandTimeout: '1s', connectTimeout: '1s' } as const;
      const cache = createCache({ redis, namespace, maxStaleWhenDisconnected: MAX_STALE });
      opened.add(() => cache.close());
      await cache.ready();
      return cache;
    };
    [here, there] = [await open(proxy.url), await open(servers[1]?.url ?? '')];
    await there.setMany(keys.map((key) => [key, 'old']));
    await here.getMany(keys);
    for (const key of keys) await here.get(key);
    expect(here.peek(on('b'))).toBe('old');
  }

  it('are served for as long as allowed after their shard was last heard, and not longer', async () => {
    await setUp();
    proxy.blackHole();
    const began = performance.now();
    await there.set(on('b'), 'new');
    expect(here.peek(on('b'))).toBe('old'); // nobody could have told
    await eventually('the copy ends', () => here.peek(on('b')) === undefined);
    expect(performance.now() - began).toBeLessThan(MAX_STALE + SLACK);
    await eventually('what is there is found', async () => (await here.get(on('b'))) === 'new');
  });

  it('do not survive a new connection to any shard unproven', async () => {
    await setUp();
    await servers[1]?.cli('CLIENT', 'KILL', 'TYPE', 'normal');
    await eventually('the new connection', () => here.peek(on('b')) === undefined);
    await there.set(on('b'), 'new');
    expect(await here.getOrSet(on('b'), () => 'loaded')).toBe('new');
  });

  it('all go when one shard is emptied', async () => {
    await setUp();
    await servers[1]?.cli('FLUSHALL');
    await eventually('the copies go', () => here.peek(on('b')) === undefined);
    expect(await here.get(on('a'))).toBe('old');
  });

  it('of the other shards hear of changes while one is away', async () => {
    await setUp();
    proxy.blackHole();
    await eventually('the loss is noticed', () => here.stats().state === 'degraded');
    expect(await here.get(on('a'))).toBe('old');
    expect(here.peek(on('a'))).toBe('old');
    await there.set(on('a'), 'new');
    await eventually('the change is told', async () => (await here.get(on('a'))) === 'new');
  });
});
