import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createCache, type CacheManager, type CacheOptions, type RedisTimingOptions } from 'tiercel';
import { prometheusText } from 'tiercel/prometheus';
import { FaultProxy } from 'tiercel/testing';
import { startRedisCluster, type RedisCluster } from '../../servers/redis-cluster.js';
import { waysToRedis } from '../support/clients.js';
import { eventually } from '../support/eventually.js';
import { Opened } from '../support/open-cache.js';
import { startRedis, uniquePrefix, type RedisServer } from '../support/redis.js';
import { SteppingProxy } from '../support/stepping-proxy.js';
import { waysToHear } from '../support/ways-to-hear.js';

/** A machine that is busy with other things. */
const SLACK = 500;
const TIMING: RedisTimingOptions = { commandTimeout: '5s', heartbeatInterval: 50 };

describe('how late changes elsewhere are heard of', () => {
  let server: RedisServer;
  let opened: Opened;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.stop());
  beforeEach(() => {
    opened = new Opened();
  });
  afterEach(() => opened.close());

  async function open(options: CacheOptions): Promise<CacheManager> {
    const cache = createCache(options);
    opened.add(() => cache.close());
    await cache.ready();
    return cache;
  }
  const lagOf = (cache: CacheManager) => cache.metrics.snapshot().coherence?.lag;
  const countOf = (cache: CacheManager): number => lagOf(cache)?.count ?? 0;
  const isTime = ([name]: readonly string[]): boolean => name === 'TIME';

  it.each(waysToHear)('is measured over $name', async (way) => {
    const cache = await opened.cache(
      way,
      server.url,
      { namespace: uniquePrefix(), coherence: way.coherence },
      TIMING,
    );
    await eventually('three measurements', () => countOf(cache) >= 3);
    expect(prometheusText(cache)).toMatch(/^tiercel_coherence_lag_seconds_count [1-9]/m);
  });

  it.each(
    waysToRedis
      .filter(({ name }) => ['three shards', 'Sentinel'].includes(name))
      .flatMap((way) => (['tracking', 'pubsub'] as const).map((coherence) => ({ ...way, coherence }))),
  )('is measured over $name by $coherence', async (way) => {
    const { coherence } = way;
    const cache = await opened.cache(way, server.url, { namespace: uniquePrefix(), coherence }, TIMING);
    await eventually('three measurements', () => countOf(cache) >= 3);
  });

  it('is not measured where nobody tells of any', async () => {
    await using proxy = await SteppingProxy.to(server.port);
    const namespace = uniquePrefix();
    const redis = { url: proxy.url, ...TIMING };
    for (const deaf of [{ coherence: 'none' }, { memory: false }] as const) {
      const cache = await open({ redis, namespace, ...deaf });
      for (let heartbeats = 0; heartbeats < 3; heartbeats++) {
        const heartbeat = proxy.after(isTime);
        await heartbeat.reached;
        heartbeat.release();
      }
      expect(lagOf(cache)).toBeUndefined();
      expect(prometheusText(cache)).not.toContain('coherence_lag');
      await cache.close();
    }
  });

  it.each(['tracking', 'broadcast', 'pubsub'] as const)(
    'is no less than the network takes, and no less than a change takes, by %s',
    async (coherence) => {
      const latency = 60;
      await using proxy = await FaultProxy.to(server.port);
      proxy.slow({ latency });
      const namespace = uniquePrefix();
      const here = await open({ redis: { url: proxy.url, ...TIMING }, namespace, coherence });
      const there = await open({ redis: { url: server.url, ...TIMING }, namespace, coherence });
      let slowest = 0;
      for (let round = 0; round < 5; round++) {
        await there.set('k', round);
        await eventually('a copy', async () => (await here.get('k')) === round && here.peek('k') === round);
        const from = performance.now();
        await there.delete('k');
        await eventually('the news', () => here.peek('k') === undefined);
        slowest = Math.max(slowest, performance.now() - from);
      }
      // The news had the way back to take, and the question the way there as well.
      expect(slowest).toBeGreaterThanOrEqual(latency - 1);
      expect(countOf(here)).toBeGreaterThan(3);
      expect(lagOf(here)?.min).toBeGreaterThanOrEqual(2 * latency - 2);
      expect(slowest).toBeLessThanOrEqual((lagOf(here)?.max ?? 0) + SLACK);
      expect(lagOf(there)?.min).toBeLessThan(latency);
    },
  );

  it('counts an answer for which nobody waits any more, since news were as late', async () => {
    await using proxy = await SteppingProxy.to(server.port);
    const namespace = uniquePrefix();
    const redis = { url: proxy.url, ...TIMING, commandTimeout: 250 };
    const here = await open({ redis, namespace });
    const there = await open({ redis: { url: server.url, ...TIMING }, namespace });
    await there.set('k', 'old');
    await eventually('a copy', async () => (await here.get('k')) === 'old' && here.peek('k') === 'old');
    const heartbeat = proxy.after(isTime);
    await heartbeat.reached;
    const from = performance.now();
    await there.set('k', 'new');
    await eventually('silence', () => here.stats().state === 'silent');
    await pause(200);
    expect(here.peek('k')).toBe('old');
    const held = performance.now() - from;
    heartbeat.release();
    await eventually('the news', () => here.peek('k') !== 'old');
    expect(lagOf(here)?.max).toBeGreaterThanOrEqual(held);
  });

  it('has the time in it for which this process did not look', async () => {
    const cache = await open({ redis: { url: server.url, ...TIMING }, namespace: uniquePrefix() });
    await eventually('a measurement', () => countOf(cache) > 0);
    const until = performance.now() + 300;
    while (performance.now() < until);
    const before = countOf(cache);
    await eventually('another', () => countOf(cache) > before);
    // A heartbeat was due within the first 50 ms of it.
    expect(lagOf(cache)?.max).toBeGreaterThanOrEqual(245);
  });

  it('is that of every shard', async () => {
    await using second = await startRedis();
    const shards = [
      { url: server.url, name: 'a' },
      { url: second.url, name: 'b' },
    ];
    const cache = await open({ redis: { shards, ...TIMING }, namespace: uniquePrefix() });
    for (const shard of [server, second]) await frozenShows(cache, shard);
  });

  describe('over a Cluster', () => {
    let cluster: RedisCluster;
    beforeAll(async () => {
      cluster = await startRedisCluster({ primaries: 3, replicas: 0, nodeTimeout: 60_000 });
    });
    afterAll(() => cluster.stop());

    it.each(['tracking', 'broadcast'] as const)('is that of every node, by %s', async (coherence) => {
      const redis = { cluster: cluster.urls, ...TIMING };
      const cache = await open({ redis, namespace: uniquePrefix(), coherence });
      for (const node of cluster.nodes) await frozenShows(cache, node);
    });

    it('is not that of a replica from which nothing is read', async () => {
      await using replicated = await startRedisCluster({ primaries: 3, replicas: 1, nodeTimeout: 60_000 });
      const redis = { cluster: replicated.urls, ...TIMING };
      const cache = await open({ redis, namespace: uniquePrefix() });
      const [primary] = replicated.nodes;
      const [replica] = primary ? await replicated.replicasOf(primary) : [];
      if (!replica) throw new Error('there is no replica');
      await eventually('measurements', () => countOf(cache) > 10);
      cache.metrics.reset();
      await replica.freeze();
      try {
        await pause(2000);
      } finally {
        await replica.thaw();
      }
      await replica.cli('PING');
      await eventually('measurements', () => countOf(cache) > 150);
      expect(lagOf(cache)?.max).toBeLessThan(1900);
    });

    it('is that of the connection that listens, by pubsub', async () => {
      const redis = { cluster: cluster.urls, ...TIMING };
      const cache = await open({ redis, namespace: uniquePrefix(), coherence: 'pubsub' });
      await eventually('three measurements', () => countOf(cache) >= 3);
    });
  });

  /** What a server does not answer for a while shows, whichever it is. */
  async function frozenShows(cache: CacheManager, frozen: RedisServer): Promise<void> {
    await eventually('a measurement', () => countOf(cache) > 0);
    cache.metrics.reset();
    await frozen.freeze();
    try {
      await pause(400);
    } finally {
      await frozen.thaw();
    }
    // The next heartbeat was due within 50 ms.
    await eventually('a late answer', () => (lagOf(cache)?.max ?? 0) >= 345);
  }
});
