import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createCluster } from '@redis/client';
import { Cluster } from 'ioredis';
import { CacheClient, createCache, type RedisOptions } from 'tiercel';
import { startRedisCluster, type RedisCluster } from '../../../servers/redis-cluster.js';
import { startRedis } from '../../support/redis.js';
import { eventually } from '../../support/eventually.js';

const PASSWORD = 's3cret';

/** A cluster whose nodes go by names that nobody can look up, as behind a NAT, and that asks for a password. */
describe('the nodes of a Cluster are reached', () => {
  let cluster: RedisCluster;
  const closers: Array<() => unknown> = [];
  const natMap = ({ port }: { port: number }) => ({ host: '127.0.0.1', port });
  const portOf = (address: string): number => Number(address.slice(address.lastIndexOf(':') + 1));

  beforeAll(async () => {
    cluster = await startRedisCluster({
      replicas: 0,
      node: {
        config: {
          requirepass: PASSWORD,
          masterauth: PASSWORD,
          'cluster-announce-hostname': 'node.cache.invalid',
          'cluster-preferred-endpoint-type': 'hostname',
        },
      },
    });
  });
  afterAll(() => cluster.stop());
  afterEach(async () => {
    for (const close of closers.splice(0).toReversed()) await close();
  });

  async function works(redis: RedisOptions): Promise<void> {
    const client = await CacheClient.connect(redis);
    closers.push(() => client.close());
    const keys = Array.from({ length: 100 }, (_, i) => `k${i}`);
    await client.setMany(keys.map((key) => [key, key]));
    expect((await client.getMany(keys)).size).toBe(100);
  }

  it('through an address map, by the login in one of the URLs', async () => {
    const map = (address: string) => natMap({ port: portOf(address) });
    await works({ cluster: [cluster.urls[0] as string], natMap: map, commandTimeout: '2s' });
    const byList = Object.fromEntries(
      cluster.nodes.map(({ port }) => [`node.cache.invalid:${port}`, natMap({ port })]),
    );
    const { host, port } = cluster.nodes[1] as { host: string; port: number };
    await works({ cluster: [{ host, port }], password: PASSWORD, natMap: byList, commandTimeout: '2s' });
  });

  it('through the address map of a client of the application’s', async () => {
    const client = createCluster({
      rootNodes: [{ url: cluster.urls[0] as string }],
      defaults: { password: PASSWORD },
      nodeAddressMap: (address) => natMap({ port: portOf(address) }),
    });
    client.on('error', () => undefined);
    await client.connect();
    closers.push(() => client.destroy());
    await works({ client, commandTimeout: '2s' });

    const byList = Object.fromEntries(
      cluster.nodes.map(({ port }) => [`node.cache.invalid:${port}`, natMap({ port })]),
    );
    const ioredis = new Cluster([cluster.nodes[0] as { host: string; port: number }], {
      natMap: byList,
      redisOptions: { password: PASSWORD },
    });
    ioredis.on('error', () => undefined);
    closers.push(() => ioredis.disconnect());
    await works({ client: ioredis, commandTimeout: '2s' });
  });

  it('or connect says why not', async () => {
    const nobody = {
      cluster: ['redis://127.0.0.1:1', 'redis://127.0.0.1:2'],
      retryDelay: { min: 1, max: 2 },
    };
    await expect(CacheClient.connect(nobody)).rejects.toMatchObject({ code: 'TIERCEL_CONNECTION' });
    const { host, port } = cluster.nodes[0] as { host: string; port: number };
    await expect(CacheClient.connect({ cluster: [{ host, port }] })).rejects.toMatchObject({
      code: 'TIERCEL_AUTHENTICATION',
    });
    await using alone = await startRedis();
    await expect(CacheClient.connect({ cluster: [alone.url] })).rejects.toMatchObject({
      code: 'TIERCEL_SERVER',
      message: expect.stringContaining('cluster support disabled'),
    });
  });

  it('and while none is, getOrSet loads', async () => {
    const cache = createCache({ redis: { cluster: ['redis://127.0.0.1:1'] } });
    closers.push(() => cache.close());
    const began = performance.now();
    expect(await cache.getOrSet('k', () => 'loaded')).toBe('loaded');
    expect(performance.now() - began).toBeLessThan(250 + 450);
    await eventually('the state to be known', () => cache.stats().state === 'lost');
    const again = performance.now();
    expect(await cache.getOrSet('other', () => 'loaded')).toBe('loaded');
    expect(performance.now() - again).toBeLessThan(100);
    expect((await cache.healthCheck()).healthy).toBe(false);
    expect(await cache.healthCheck()).toMatchObject({ serving: false, slotsUnserved: 16_384 });
  });
});
