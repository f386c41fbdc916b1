import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createCluster } from '@redis/client';
import {
  ClusterCacheManager,
  createCache,
  type CacheOptions,
  type NodeChange,
  type RedisClusterOptions,
} from 'tiercel';
import { startRedisCluster, type RedisCluster } from '../../../servers/redis-cluster.js';
import { eventually } from '../../support/eventually.js';

describe('the nodes of a Cluster', () => {
  const closers: Array<() => unknown> = [];
  let cluster: RedisCluster;

  beforeAll(async () => {
    cluster = await startRedisCluster();
  });
  afterAll(() => cluster.stop());
  afterEach(async () => {
    for (const close of closers.splice(0).toReversed()) await close();
    await cluster.untilWell();
  });

  async function open(
    options: Partial<RedisClusterOptions> = {},
    more: Pick<CacheOptions, 'memory'> = {},
  ): Promise<ClusterCacheManager> {
    const cache = createCache({
      redis: { cluster: cluster.urls, commandTimeout: '2s', healthCheckInterval: 200, ...options },
      namespace: 'nodes',
      ...more,
    });
    closers.push(() => cache.close());
    await cache.ready();
    return cache;
  }

  it('are all found from one of them, with role, slots and latency', async () => {
    const cache = await open({ cluster: [cluster.urls[4] as string] });
    const health = await cache.healthCheck();
    expect(health).toMatchObject({ healthy: true, serving: true, slotsUnserved: 0 });
    expect(health.nodes).toHaveLength(6);
    const primaries = health.nodes.slice(0, 3);
    for (const node of primaries)
      expect(node).toMatchObject({ role: 'primary', flags: ['master'], state: 'ready' });
    expect(primaries.reduce((sum, { slots }) => sum + slots, 0)).toBe(16_384);
    for (const node of health.nodes.slice(3)) {
      expect(node).toMatchObject({ role: 'replica', slots: 0, healthy: true });
      expect(primaries.map(({ address }) => address)).toContain(node.primary);
    }
    for (const { latency } of health.nodes) expect(latency).toBeGreaterThan(0);
    expect(cache.nodes.get(health.nodes[0]?.address as string)).toMatchObject({ role: 'primary' });
  });

  it('are not well when one is down, and it is said which, and when it is back', async () => {
    const cache = await open();
    const changes: NodeChange[] = [];
    await cache.nodes.check();
    cache.nodes.onChange((change) => changes.push(change));
    const address = cache.nodes.list().find(({ role }) => role === 'replica')?.address;
    const replica = cluster.nodes.find(({ port }) => address?.endsWith(`:${port}`));
    await replica?.kill();
    try {
      await eventually('word of it', () =>
        changes.some(({ node }) => node.address === address && !node.healthy),
      );
      const health = await cache.healthCheck();
      expect(health).toMatchObject({ healthy: false, serving: true });
      expect(health.nodes.filter(({ healthy }) => !healthy)).toMatchObject([
        { address, latency: undefined, problem: expect.stringMatching(/connection|failed|no answer/) },
      ]);
    } finally {
      await replica?.restart();
    }
    await eventually('word of its return', () => cache.nodes.get(address as string)?.healthy, 10_000);
    expect(changes.at(-1)).toMatchObject({ kind: 'changed' });
  });

  it('that do not answer leave their slots unserved', async () => {
    // Long before the others vote it out.
    const cache = await open({ commandTimeout: '200ms' });
    const node = cluster.nodes.find(({ port }) => cache.nodes.list()[0]?.address.endsWith(`:${port}`));
    await node?.freeze();
    try {
      const health = await cache.healthCheck();
      expect(health.healthy).toBe(false);
      expect(health.serving).toBe(false);
      expect(health.slotsUnserved).toBeGreaterThan(5000);
    } finally {
      await node?.thaw();
    }
    await cluster.untilWell();
    await eventually('health', async () => (await cache.healthCheck()).healthy, 10_000);
  });

  it('change their roles in a failover, and that is said', async () => {
    const cache = await open();
    await cache.nodes.check();
    const changes: NodeChange[] = [];
    cache.nodes.onChange((change) => changes.push(change));
    const primary = cache.nodes.list()[0];
    const replica = cache.nodes.list().find((node) => node.primary === primary?.address);
    const server = cluster.nodes.find(({ port }) => replica?.address.endsWith(`:${port}`));
    if (!server) throw new Error('there is no replica');
    await cluster.failOver(server);
    await eventually('the new roles', () => {
      const [now, before] = [
        cache.nodes.get(replica?.address ?? ''),
        cache.nodes.get(primary?.address ?? ''),
      ];
      return now?.role === 'primary' && before?.role === 'replica' && before.primary === now.address;
    });
    expect(
      changes.some(({ node, previous }) => previous?.role === 'replica' && node.role === 'primary'),
    ).toBe(true);
  });

  it('come and go, and that is said', async () => {
    const cache = await open();
    await cache.nodes.check();
    const changes: NodeChange[] = [];
    cache.nodes.onChange((change) => changes.push(change));
    const added = await cluster.addNode();
    await eventually(
      'word of it',
      () => changes.some(({ kind, node }) => kind === 'added' && node.address.endsWith(`:${added.port}`)),
      20_000,
    );
  });

  it('each count what they did, and where they sent commands on', async () => {
    const cache = await open({}, { memory: false });
    const keys = Array.from({ length: 300 }, (_, i) => `k${i}`);
    await cache.setMany(keys.map((key) => [key, key]));
    cache.clusterMetrics.reset();
    await Promise.all(keys.map((key) => cache.getOrSet(key, () => 'loaded')));
    const before = cache.clusterMetrics.snapshot();
    const busy = Object.values(before.nodes).filter(({ commands }) => commands > 0);
    expect(busy).toHaveLength(3);
    expect(busy.reduce((sum, { commands }) => sum + commands, 0)).toBeGreaterThanOrEqual(300);
    expect(busy.reduce((sum, { load }) => sum + load, 0)).toBeCloseTo(1);
    for (const { latency } of busy) expect(latency.p99).toBeGreaterThan(0);

    const slot = await cluster.slotOf('nodes::k0');
    const from = await cluster.ownerOf('nodes::k0');
    const to =
      (await cluster.ownerOf('nodes::k1')) === from
        ? await cluster.ownerOf('nodes::k2')
        : await cluster.ownerOf('nodes::k1');
    if (to === from) throw new Error('all of these keys are on one node');
    await cluster.beginMigration(slot, from, to);
    await cluster.moveKeys(slot, from, to);
    await cache.getOrSet('k0', () => 'loaded');
    await cluster.endMigration(slot, from, to);
    const { nodes, redirects } = cache.clusterMetrics.snapshot();
    expect(redirects.ask).toBeGreaterThan(0);
    const asked = Object.entries(nodes).find(([name]) => name.endsWith(`:${from.port}`))?.[1];
    expect(asked?.redirects.ask).toBe(redirects.ask);
  });

  it('are there too where the client is the application’s', async () => {
    const client = createCluster({ rootNodes: [{ url: cluster.urls[0] as string }] });
    client.on('error', () => undefined);
    await client.connect();
    closers.push(() => client.destroy());
    const cache = createCache({ redis: { client, healthCheckInterval: '10s' } });
    closers.push(() => cache.close());
    await cache.ready();
    expect(cache).toBeInstanceOf(ClusterCacheManager);
    expect((cache as ClusterCacheManager).nodes.list().length).toBeGreaterThanOrEqual(6);
  });
});
