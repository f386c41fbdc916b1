import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createCache } from 'tiercel';
import { startRedisCluster, type RedisCluster } from '../../../servers/redis-cluster.js';
import { eventually } from '../../support/eventually.js';

describe('invalidations that could not reach a Cluster', () => {
  let cluster: RedisCluster;

  beforeAll(async () => {
    // Nobody takes over, and nobody finds the cluster down: only the nodes that are frozen do not answer.
    cluster = await startRedisCluster({ replicas: 0, nodeTimeout: 60_000 });
  });
  afterAll(() => cluster.stop());

  it('are told to each node as soon as that answers, however many wait for another', async () => {
    const cache = createCache({
      redis: { cluster: cluster.urls, commandTimeout: 100 },
      namespace: 'shop',
      ttl: '1h',
      memory: false,
    });
    try {
      await cache.ready();
      const keys = Array.from({ length: 3000 }, (_, i) => `k${i}`);
      const writer = createCache({
        redis: { cluster: cluster.urls, commandTimeout: '10s' },
        namespace: 'shop',
        ttl: '1h',
        memory: false,
      });
      await writer.ready();
      for (let i = 0; i < keys.length; i += 500) {
        await writer.setMany(keys.slice(i, i + 500).map((key) => [key, 'old']));
      }
      await writer.close();
      const dead = cluster.nodes.at(-1);
      const others = cluster.nodes.slice(0, -1);
      await Promise.all(cluster.nodes.map((node) => node.freeze()));
      await cache.deleteMany(keys).catch(() => undefined);
      for (const key of keys.slice(0, 50)) expect(await cache.getOrSet(key, () => 'loaded')).toBe('loaded');
      await Promise.all(others.map((node) => node.thaw()));

      // Each of these is in Redis again once its deletion was made up for: what is stored now is found by the next caller.
      const ofOthers: string[] = [];
      for (const key of keys.slice(0, 30)) {
        if ((await cluster.ownerOf(`shop::${key}`)) !== dead) ofOthers.push(key);
      }
      await eventually('the others to be served from Redis', async () => {
        for (const key of ofOthers) {
          await cache.getOrSet(key, () => 'new');
          if ((await cache.getEntry(key))?.layer !== 'redis') return false;
        }
        return true;
      });
      expect(await others[0]?.cli('DBSIZE')).toBeLessThan(100);

      await dead?.thaw();
      await eventually('the last to be told', async () => Number(await dead?.cli('DBSIZE')) < 100);
    } finally {
      await Promise.all(cluster.nodes.map((node) => node.thaw()));
      await cache.close();
    }
  });
});
