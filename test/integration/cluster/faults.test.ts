import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { CacheClient, createCache, type CacheManager, type CacheOptions } from 'tiercel';
import { startRedisCluster, type RedisCluster } from '../../../servers/redis-cluster.js';
import type { RedisServer } from '../../../servers/redis.js';
import { ClusterTraffic, type TrafficReport } from '../../support/cluster-traffic.js';
import { eventually } from '../../support/eventually.js';
import { unhandledRejections } from '../../support/unhandled-rejections.js';

const DEADLINE = 250;
/** What a call may take beyond its deadline on a busy machine with two cores. */
const SLACK = 450;
const MAX_STALE = 1000;
const NAMESPACE = 'shop';
const KEYS = Array.from({ length: 200 }, (_, i) => `k${i}`);

describe('a cache over a Cluster', () => {
  const closers: Array<() => unknown> = [];
  let cluster: RedisCluster;

  beforeAll(async () => {
    cluster = await startRedisCluster({ nodeTimeout: 1000 });
  });
  afterAll(() => cluster.stop());
  afterEach(async () => {
    for (const close of closers.splice(0).toReversed()) await close();
  });

  async function open(options: Pick<CacheOptions, 'memory'> = {}): Promise<CacheManager> {
    const cache = createCache({
      redis: { cluster: cluster.urls },
      namespace: NAMESPACE,
      maxStaleWhenDisconnected: MAX_STALE,
      ttl: '1h',
      ...options,
    });
    closers.push(() => cache.close());
    await cache.ready();
    return cache;
  }

  /** Somebody else's value under a key of the node comes out of Redis; resolves with how long that took. */
  async function readsFrom(server: RedisServer, tag = ''): Promise<number> {
    const began = performance.now();
    await eventually(
      'a hit',
      async () => {
        for (let i = 0; i < 100; i++) {
          const key = `probe:${tag}${Math.random()}`;
          // In a failover there is a moment in which nobody owns it.
          const owner = await cluster.ownerOf(`${NAMESPACE}::${key}`).catch(() => undefined);
          if (owner !== server) continue;
          await other.set(key, 'theirs').catch(() => undefined);
          return (await cache.get(key)) === 'theirs';
        }
        return false;
      },
      5000,
    );
    return performance.now() - began;
  }

  let cache: CacheManager;
  let other: CacheManager;

  /** Runs traffic while the fault happens, and prints what callers saw of it. */
  async function underTraffic(
    name: string,
    fault: (traffic: ClusterTraffic) => Promise<Record<string, number> | void>,
    keys: readonly string[] = KEYS,
  ): Promise<TrafficReport> {
    [cache, other] = await Promise.all([open(), open()]);
    const bare = await open({ memory: false });
    let report: TrafficReport | undefined;
    let figures: Record<string, number> = {};
    const unhandled = await unhandledRejections(async () => {
      const traffic = new ClusterTraffic({ cache, bare, other }, { keys, staleness: MAX_STALE + SLACK });
      traffic.start();
      await goesOn(traffic, 500);
      try {
        figures = (await fault(traffic)) ?? {};
        await goesOn(traffic, 500);
      } finally {
        report = await traffic.stop();
      }
    });
    const { calls, worst, worstPaced, failures, writes, refusedWrites } = report as TrafficReport;
    const shown = Object.entries(figures).map(([what, ms]) => `${what} ${Math.round(ms)} ms`);
    console.log(
      [
        `${name}: ${calls} calls, ${failures.length} failed, worst ${worst} ms (${worstPaced} ms of this process)`,
      ]
        .concat(`${refusedWrites} of ${writes} deletes rejected`, shown)
        .join(', '),
    );
    expect(unhandled).toEqual([]);
    expect(failures).toEqual([]);
    expect(worstPaced).toBeLessThan(DEADLINE + SLACK);
    return report as TrafficReport;
  }

  const goesOn = async (traffic: ClusterTraffic, calls: number): Promise<void> => {
    const before = traffic.calls;
    await eventually(`${calls} more calls`, () => traffic.calls >= before + calls, 10_000);
  };

  const ownerOfKeys = (): Promise<RedisServer> => cluster.ownerOf(`${NAMESPACE}::${KEYS[0]}`);
  const anotherPrimary = async (than: RedisServer): Promise<RedisServer> => {
    const view = await cluster.view();
    const line = view.find(({ port, slots }) => port !== than.port && slots.length > 0);
    return cluster.nodes.find(({ port }) => port === line?.port) as RedisServer;
  };
  const aReplicaOf = async (primary: RedisServer): Promise<RedisServer> => {
    const [replica] = await cluster.replicasOf(primary);
    if (!replica) throw new Error('the primary has no replica');
    return replica;
  };

  it('goes on while a primary is killed and its replica takes over', async () => {
    const primary = await ownerOfKeys();
    const replica = await aReplicaOf(primary);
    await underTraffic('a primary killed', async (traffic) => {
      await primary.kill();
      await goesOn(traffic, 500);
      await cluster.untilPrimary(replica);
      const back = await readsFrom(replica);
      expect(back).toBeLessThan(1000);
      return { 'hits back after the promotion by': back };
    });
    await primary.restart();
    await cluster.untilWell();
  });

  it('goes on while a primary is frozen, voted out, and thawed as a replica with old data', async () => {
    const primary = await ownerOfKeys();
    const replica = await aReplicaOf(primary);
    await underTraffic('a primary frozen', async (traffic) => {
      await primary.freeze();
      await goesOn(traffic, 500);
      await cluster.untilPrimary(replica);
      const back = await readsFrom(replica);
      expect(back).toBeLessThan(1000);
      await goesOn(traffic, 500);
      await primary.thaw();
      await goesOn(traffic, 500);
      await cluster.untilWell();
      return { 'hits back after the promotion by': back };
    });
  });

  it('goes on through a failover that is asked for', async () => {
    const primary = await ownerOfKeys();
    const replica = await aReplicaOf(primary);
    await underTraffic('a failover asked for', async (traffic) => {
      await cluster.failOver(replica);
      const back = await readsFrom(replica);
      expect(back).toBeLessThan(1000);
      await goesOn(traffic, 1000);
      return { 'hits back after the promotion by': back };
    });
    await cluster.untilWell();
  });

  it('goes on while a slot moves key by key, read and written in bulk', async () => {
    const tag = '{moving}';
    const keys = Array.from({ length: 60 }, (_, i) => `${tag}${i}`);
    const slot = await cluster.slotOf(tag);
    const from = await cluster.ownerOf(tag);
    const to = await anotherPrimary(from);
    // Its calls are about where they go; the deadlines are those of the traffic beside it.
    const patient = { cluster: cluster.urls, commandTimeout: '5s' } as const;
    const client = await CacheClient.connect(patient, { namespace: NAMESPACE });
    closers.push(() => client.close());
    let bulks = 0;
    const migration = { goesOn: true };
    const inBulk = async (): Promise<void> => {
      for (let round = 1; migration.goesOn || round < 10; round++) {
        await client.setMany(keys.map((key) => [`${key}:bulk`, round]));
        const found = await client.getMany(keys.map((key) => `${key}:bulk`));
        expect(new Set(found.values())).toEqual(new Set([round]));
        expect(found.size).toBe(keys.length);
        bulks++;
      }
    };
    await underTraffic(
      'a slot moved',
      async (traffic) => {
        const bulk = inBulk();
        await cluster.beginMigration(slot, from, to);
        const moved = await cluster.moveKeys(slot, from, to, async () => {
          if (bulks % 3 === 0) await goesOn(traffic, 20);
        });
        await goesOn(traffic, 200);
        await cluster.endMigration(slot, from, to);
        await goesOn(traffic, 200);
        migration.goesOn = false;
        await bulk;
        expect(moved).toBeGreaterThan(keys.length);
        expect(bulks).toBeGreaterThan(5);
      },
      keys,
    );
    await cluster.untilWell();
  });

  it('finds a node that is added, and the slots that move there', async () => {
    const added = await cluster.addNode();
    const tag = '{added}';
    const from = await cluster.ownerOf(tag);
    const slot = await cluster.slotOf(tag);
    const keys = Array.from({ length: 60 }, (_, i) => `${tag}${i}`);
    await underTraffic(
      'a node added',
      async (traffic) => {
        await goesOn(traffic, 200);
        await cluster.beginMigration(slot, from, added);
        await cluster.moveKeys(slot, from, added);
        await cluster.endMigration(slot, from, added);
        const back = await readsFrom(added, tag);
        expect(back).toBeLessThan(1000);
        // And back again, since no other test wants it.
        await cluster.beginMigration(slot, added, from);
        await cluster.moveKeys(slot, added, from);
        await cluster.endMigration(slot, added, from);
        return { 'hits from the new node after': back };
      },
      keys,
    );
    await cluster.untilWell();
  });

  it('goes on while all replicas are gone', async () => {
    const view = await cluster.view();
    const replicas = cluster.nodes.filter(({ port }) =>
      view.some((line) => line.port === port && line.flags.includes('slave')),
    );
    await underTraffic('all replicas gone', async (traffic) => {
      await Promise.all(replicas.map((replica) => replica.kill()));
      await goesOn(traffic, 1000);
      await readsFrom(await ownerOfKeys());
    });
    await Promise.all(replicas.map((replica) => replica.restart()));
    await cluster.untilWell();
  });

  it('goes on while most primaries are gone, and finds them when they are back', async () => {
    const view = await cluster.view();
    const primaries = cluster.nodes.filter(({ port }) =>
      view.some((line) => line.port === port && line.flags.includes('master') && line.slots.length > 0),
    );
    // Without their replicas, so that nobody can be elected.
    const down = cluster.nodes.filter((node) => !primaries.includes(node)).concat(primaries.slice(0, 2));
    await underTraffic('most primaries gone', async (traffic) => {
      await Promise.all(down.map((node) => node.freeze()));
      const survivor = primaries[2] as RedisServer;
      await eventually('the cluster to be down', async () =>
        String(await survivor.cli('CLUSTER', 'INFO')).includes('cluster_state:fail'),
      );
      await goesOn(traffic, 1000);
      await Promise.all(down.map((node) => node.thaw()));
      await cluster.untilWell();
      const back = await readsFrom(await ownerOfKeys());
      expect(back).toBeLessThan(1000);
      return { 'hits back after the cluster by': back };
    });
  });
});
