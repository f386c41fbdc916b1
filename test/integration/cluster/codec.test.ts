import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { createCache, type CacheManager, type CacheOptions } from 'tiercel';
import { startRedisCluster, type RedisCluster } from '../../../servers/redis-cluster.js';
import { deferred } from '../../../servers/deferred.js';
import { eventually } from '../../support/eventually.js';
import { Opened } from '../../support/open-cache.js';
import { uniquePrefix } from '../../support/redis.js';

const user = (id: number): Record<string, unknown> => ({
  identifier: id,
  firstName: 'Ada',
  familyName: 'Lovelace',
  address: { street: 'St James Square', houseNumber: 12 },
  text: `the words of number ${id} are like those of all the others`,
});

describe('on a Cluster', () => {
  const suite = new Opened();
  const test = new Opened();
  let cluster: RedisCluster;

  beforeAll(async () => {
    cluster = await startRedisCluster();
    suite.add(() => cluster.stop());
  });
  afterEach(() => test.close());
  afterAll(() => suite.close());

  async function open(namespace: string, options: CacheOptions = {}): Promise<CacheManager> {
    const redis = { cluster: cluster.urls, commandTimeout: '5s' } as const;
    const cache = createCache({ redis, namespace, ttl: '1h', ...options });
    test.add(() => cache.close());
    await cache.ready();
    return cache;
  }

  it('shapes and dictionaries are found wherever their keys are', async () => {
    const namespace = uniquePrefix();
    const writer = await open(namespace, { compression: { dictionary: true } });
    await eventually('a dictionary', async () => {
      await writer.setMany(Array.from({ length: 100 }, (_, id) => [`user:${id}`, user(id)]));
      const report = await writer.memory({ compare: 0 });
      return (
        (report.compressors['deflate with a dictionary'] ?? report.compressors['zstd with a dictionary']) !==
        undefined
      );
    });
    await writer.setMany(Array.from({ length: 50 }, (_, id) => [`user:${id}`, user(id)]));
    const reader = await open(namespace);
    const found = await reader.getMany(Array.from({ length: 100 }, (_, id) => `user:${id}`));
    expect([...found.values()]).toEqual(Array.from({ length: 100 }, (_, id) => user(id)));
    expect(reader.stats().counters.errors).toBe(0);
  });

  it('plain values have their leases in their slots', async () => {
    const namespace = uniquePrefix();
    const [here, there] = [
      await open(namespace, { format: 'plain' }),
      await open(namespace, { format: 'plain' }),
    ];
    for (const key of ['a', 'b', 'c', '{tag}:d', 'e{f', '{tag}}g']) {
      const loaded = deferred<string>();
      const load = vi.fn(() => loaded.promise);
      const answers = [here, there, here].map((cache) => cache.getOrSet(key, load));
      await eventually('the load', () => load.mock.calls.length > 0);
      loaded.resolve('value');
      expect(await Promise.all(answers)).toEqual(['value', 'value', 'value']);
      expect(load).toHaveBeenCalledOnce();
      await eventually('the fill', () => there.has(key));
      await there.set(key, 'new');
      await eventually('the news', async () => (await here.get(key)) === 'new');
      expect(await here.delete(key)).toBe(true);
      await eventually('the news of that', async () => !(await there.has(key)));
    }
    expect(here.stats().counters.errors + there.stats().counters.errors).toBe(0);
  });
});
