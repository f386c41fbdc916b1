import { afterAll, afterEach, beforeAll, describe, it } from 'vitest';
import { createCluster } from '@redis/client';
import { createCache, type CacheManager, type RedisOptions } from 'tiercel';
import { startRedisCluster, type RedisCluster } from '../../../servers/redis-cluster.js';
import { eventually } from '../../support/eventually.js';

/** One network hop, on a machine that may be busy with other things. */
const HOP = 1000;

describe('caches on a Cluster tell each other of changes', () => {
  let cluster: RedisCluster;
  const ends: Array<() => unknown> = [];

  beforeAll(async () => {
    cluster = await startRedisCluster({ replicas: 0, nodeTimeout: 60_000 });
  });
  afterAll(() => cluster.stop());
  afterEach(async () => {
    for (const end of ends.splice(0).toReversed()) await end();
  });

  const ways: ReadonlyArray<readonly [string, () => Promise<RedisOptions>]> = [
    ['of its own', async () => ({ cluster: cluster.urls, commandTimeout: '5s' })],
    [
      'of the application’s',
      async () => {
        const client = createCluster({ rootNodes: cluster.urls.map((url) => ({ url })) });
        client.on('error', () => undefined);
        await client.connect();
        ends.push(() => client.destroy());
        return { client, commandTimeout: '5s' };
      },
    ],
  ];

  it.each(ways)('over all its nodes, with a client %s', async (__, redisOf) => {
    const open = async (): Promise<CacheManager> => {
      const cache = createCache({
        redis: await redisOf(),
        namespace: 'shop',
        ttl: '1h',
        coherence: 'pubsub',
      });
      ends.push(() => cache.close());
      await cache.ready();
      return cache;
    };
    const [here, there] = [await open(), await open()];
    const keys = Array.from({ length: 30 }, (_, i) => `k${i}`);
    const copied = (value: string): Promise<unknown> =>
      eventually('copies', async () => {
        await here.getMany(keys);
        return keys.every((key) => here.peek(key) === value);
      });
    const gone = (value: string): Promise<unknown> =>
      eventually('no old copy', () => keys.every((key) => here.peek(key) !== value), HOP);

    await there.setMany(keys.map((key) => [key, 'one']));
    await copied('one');
    await there.setMany(keys.map((key) => [key, 'two']));
    await gone('one');
    await copied('two');
    await there.deleteMany(keys);
    await gone('two');
    for (const key of keys) await there.getOrSet(key, async () => 'three', { tags: ['t'] });
    await copied('three');
    await there.invalidateTags(['t']);
    await gone('three');
  });
});
