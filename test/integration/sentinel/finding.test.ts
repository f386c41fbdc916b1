import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createCache, type CacheManager, type RedisSentinelOptions } from 'tiercel';
import { startSentinel, type SentinelDeployment } from '../../../servers/redis-sentinel.js';
import { eventually } from '../../support/eventually.js';
import { Opened } from '../../support/open-cache.js';
import { startRedis } from '../../support/redis.js';

describe('finding a primary', () => {
  const opened = new Opened();
  let deployment: SentinelDeployment;

  beforeAll(async () => {
    deployment = await startSentinel({ downAfter: 10_000 });
  });
  afterAll(() => deployment.stop());
  afterEach(() => opened.close());

  const nodes = () => deployment.sentinels.map(({ host, port }) => ({ host, port }));
  const open = (redis: RedisSentinelOptions): CacheManager => {
    const cache = createCache({ redis });
    opened.add(() => cache.close());
    return cache;
  };

  it('takes one sentinel that answers, among some that are away or silent', async () => {
    const [first, second] = deployment.sentinels;
    await first?.freeze();
    await second?.kill();
    try {
      const cache = open({ sentinel: { name: 'main', nodes: nodes() } });
      const began = performance.now();
      await cache.ready();
      expect(performance.now() - began).toBeLessThan(2000);
      await cache.set('a', 1);
      expect(await deployment.servers[0].cli('EXISTS', 'tiercel::a')).toBe(1);
    } finally {
      await first?.thaw();
      await second?.restart();
    }
  });

  it('goes on without sentinels as long as the primary is there', async () => {
    await using sentinel = await startRedis({
      sentinel: [`monitor main 127.0.0.1 ${deployment.servers[0].port} 9`],
    });
    const { host, port } = sentinel;
    const cache = open({ sentinel: { name: 'main', nodes: [{ host, port }] } });
    await cache.ready();
    await sentinel.kill();
    for (let i = 0; i < 20; i++) await cache.set('a', i);
    expect(await cache.get('a')).toBe(19);
    // Lost, it is found again as soon as a sentinel is there that knows it.
    await deployment.servers[0].cli('CLIENT', 'KILL', 'TYPE', 'normal');
    await eventually('the loss', () => cache.stats().state === 'lost');
    await sentinel.restart();
    await eventually('it is found', async () => (await cache.get('a')) === 19);
  });

  it('logs in to the sentinels and to the servers, each with its own password', async () => {
    await using server = await startRedis({ config: { requirepass: 'server-secret' } });
    await using sentinel = await startRedis({
      sentinel: [`monitor main 127.0.0.1 ${server.port} 9`],
      config: { requirepass: 'sentinel-secret' },
    });
    const at = [{ host: sentinel.host, port: sentinel.port }];
    const cache = open({
      sentinel: { name: 'main', nodes: at, password: 'sentinel-secret' },
      password: 'server-secret',
      database: 2,
    });
    await cache.ready();
    await cache.set('a', 1);
    await expect(
      open({ sentinel: { name: 'main', nodes: at, password: 'wrong' } }).ready(),
    ).rejects.toMatchObject({
      code: 'TIERCEL_AUTHENTICATION',
    });
    await expect(
      open({ sentinel: { name: 'main', nodes: at, password: 'sentinel-secret' }, password: 'wrong' }).ready(),
    ).rejects.toMatchObject({ code: 'TIERCEL_AUTHENTICATION' });
  });

  it('says which primary no sentinel knows', async () => {
    const cache = open({ sentinel: { name: 'unknown', nodes: nodes() }, maxRetries: 0 });
    await expect(cache.ready()).rejects.toMatchObject({
      code: 'TIERCEL_CONNECTION',
      message: expect.stringContaining("no sentinel tells where the primary 'unknown' is"),
    });
  });

  it('says that no sentinel can be reached', async () => {
    const cache = open({ sentinel: { name: 'main', nodes: [{ port: 1 }, { port: 2 }] }, maxRetries: 1 });
    await expect(cache.ready()).rejects.toMatchObject({ code: 'TIERCEL_CONNECTION' });
  });

  it('is done for each shard that has a Sentinel', async () => {
    await using other = await startRedis();
    const shards = [
      { name: 'a', sentinel: { name: 'main', nodes: nodes() } },
      { name: 'b', url: other.url },
    ];
    const cache = createCache({ redis: { shards }, namespace: 'shop' });
    opened.add(() => cache.close());
    await cache.ready();
    const keys = Array.from({ length: 20 }, (_, i) => `k${i}`);
    await cache.setMany(keys.map((key) => [key, key]));
    const held = [deployment.servers[0], other].map(
      async (server) => ((await server.cli('KEYS', 'shop::*')) as string[]).length,
    );
    const [one = 0, two = 0] = await Promise.all(held);
    expect(one).toBeGreaterThan(0);
    expect(two).toBeGreaterThan(0);
    expect(one + two).toBe(20);
  });
});
