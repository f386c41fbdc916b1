import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { CacheClient, createCache, type CacheManager, type ReadFrom } from 'tiercel';
import { startRedisCluster, type RedisCluster } from '../../../servers/redis-cluster.js';
import { rawAddress, sendRaw } from '../../../servers/raw-redis.js';
import type { RedisServer } from '../../../servers/redis.js';
import { eventually } from '../../support/eventually.js';
import { PacedClock } from '../../support/paced-clock.js';

/** What a busy machine may take besides. */
const SLACK = 300;
/** Long enough for a process that does not get its turn for a while to renew the proof in time. */
const LAG = 1500;
const KEYS = Array.from({ length: 50 }, (_, i) => `k${i}`);

describe('reads from replicas', () => {
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

  const settings = (readFrom: ReadFrom) =>
    ({ cluster: cluster.urls, commandTimeout: '1s', readFrom, maxReplicaLag: LAG }) as const;

  async function openClient(readFrom: ReadFrom): Promise<CacheClient> {
    const client = await CacheClient.connect(settings(readFrom), { namespace: 'shop' });
    closers.push(() => client.close());
    return client;
  }

  async function openCache(readFrom: ReadFrom): Promise<CacheManager> {
    const cache = createCache({ redis: settings(readFrom), namespace: 'shop', ttl: '1h' });
    closers.push(() => cache.close());
    await cache.ready();
    return cache;
  }

  /** GETs and MGETs that servers of this role have carried out. */
  async function reads(role: 'master' | 'slave'): Promise<number> {
    let count = 0;
    for (const node of cluster.nodes) {
      if (((await node.cli('ROLE')) as string[])[0] !== role) continue;
      const stats = String(await node.cli('INFO', 'commandstats'));
      count += Number(/cmdstat_get:calls=(\d+)/.exec(stats)?.[1] ?? 0);
    }
    return count;
  }

  const resetCounts = (): Promise<unknown> =>
    Promise.all(cluster.nodes.map((node) => node.cli('CONFIG', 'RESETSTAT')));

  /** Reads everything until it all comes from replicas. */
  const untilFromReplicas = (client: { getMany(keys: string[]): Promise<unknown> }): Promise<unknown> =>
    eventually(
      'reads from replicas',
      async () => {
        await resetCounts();
        await client.getMany(KEYS);
        return (await reads('slave')) === KEYS.length && (await reads('master')) === 0;
      },
      12_000,
    );

  /** Cuts the replica of the key's primary off from it; both go on to answer. */
  async function cutOff(key: string): Promise<{ primary: RedisServer; mend: () => Promise<unknown> }> {
    const primary = await cluster.ownerOf(`shop::${key}`);
    await sendRaw(rawAddress(primary.url), [
      ['ACL', 'SETUSER', 'default', '-psync', '-sync'],
      ['CLIENT', 'KILL', 'TYPE', 'replica'],
    ]);
    // SYNC stays refused. A replica asks for it where PSYNC was refused, and allowed in between it would follow without offsets.
    return { primary, mend: () => primary.cli('ACL', 'SETUSER', 'default', '+psync') };
  }

  it('go to replicas, and find what was written', async () => {
    const writer = await openClient('primary');
    await writer.setMany(KEYS.map((key) => [key, key]));
    const client = await openClient('replica');
    await untilFromReplicas(client);
    expect(await client.getMany(KEYS)).toEqual(new Map(KEYS.map((key) => [key, key])));
  });

  it('stay with the primaries where nothing else is asked for', async () => {
    const client = await openClient('primary');
    await client.setMany(KEYS.map((key) => [key, key]));
    await resetCounts();
    await client.getMany(KEYS);
    expect(await reads('slave')).toBe(0);
    expect(await reads('master')).toBe(KEYS.length);
  });

  it('never find what is older than what this process wrote', async () => {
    const client = await openClient('replica');
    await client.setMany(KEYS.map((key) => [key, -1]));
    await untilFromReplicas(client);
    const key = KEYS[3] as string;
    // From here on the replica hears of nothing, and is not yet known to be behind.
    const { mend } = await cutOff(key);
    try {
      const [before] = await Promise.all([client.get(KEYS[4] as string), client.set(key, 'mine')]);
      expect(before).toBe(-1);
      expect(await client.get(key)).toBe('mine');
      await client.delete(key);
      expect(await client.get(key)).toBeUndefined();
    } finally {
      await mend();
    }
  });

  it('go to the nearest that answers', async () => {
    const client = await openClient('nearest');
    await client.setMany(KEYS.map((key) => [key, key]));
    expect((await client.getMany(KEYS)).size).toBe(KEYS.length);
    // A primary that is busy with something else answers late: then its replica is nearer.
    const primary = await cluster.ownerOf(`shop::${KEYS[0]}`);
    const busy = { isBusy: true };
    const keepBusy = (async () => {
      while (busy.isBusy) await primary.cli('DEBUG', 'SLEEP', '0.03');
    })();
    await eventually('reads at the replica', async () => {
      await resetCounts();
      await client.getMany(KEYS);
      return (await reads('slave')) > 0;
    });
    busy.isBusy = false;
    await keepBusy;
  });

  it('are no further behind than maxReplicaLag, nor are the copies made of them', async () => {
    const key = KEYS[0] as string;
    const writer = await openClient('primary');
    const cache = await openCache('replica');
    const bare = await openClient('replica');
    const clock = new PacedClock();
    closers.push(() => clock.stop());
    await writer.set(key, 'old', { ttl: '1h' });
    await untilFromReplicas(bare);
    await eventually('a copy', async () => (await cache.get(key)) === 'old' && cache.peek(key) === 'old');
    const { mend } = await cutOff(key);
    try {
      // The primary takes it, and its replica never hears of it.
      await writer.set(key, 'new', { ttl: '1h' });
      const written = clock.now();
      await eventually('the new value', async () => (await bare.get(key)) === 'new', 10_000);
      expect(clock.now() - written).toBeLessThan(LAG + SLACK);
      await eventually('the copy to go', () => cache.peek(key) !== 'old', 10_000);
      expect(clock.now() - written).toBeLessThan(LAG + SLACK);
      expect(await cache.get(key)).toBe('new');
    } finally {
      await mend();
    }
  });

  it('hear through the replica when a copy becomes old', async () => {
    const key = KEYS[1] as string;
    const writer = await openClient('primary');
    const bare = await openClient('replica');
    const cache = await openCache('replica');
    await writer.set(key, 'old', { ttl: '1h' });
    await untilFromReplicas(bare);
    await new Promise((resolve) => setTimeout(resolve, LAG));
    await eventually('a copy', async () => (await cache.get(key)) === 'old' && cache.peek(key) === 'old');
    await writer.set(key, 'new', { ttl: '1h' });
    await eventually('the copy to go', () => cache.peek(key) !== 'old', SLACK);
    await eventually('the new value', async () => (await cache.get(key)) === 'new', LAG + SLACK);
  });

  it('go on at the primary while a replica is down, and through a failover', async () => {
    const key = KEYS[2] as string;
    const client = await openClient('replica');
    await client.set(key, 'v', { ttl: '1h' });
    await untilFromReplicas(client);
    const primary = await cluster.ownerOf(`shop::${key}`);
    const [replica] = await cluster.replicasOf(primary);
    await replica?.kill();
    expect(await client.get(key)).toBe('v');
    await replica?.restart();
    await cluster.untilWell();
    await cluster.failOver(replica as RedisServer);
    // Its connection was told that old answers will do, and it is a primary now; voted out once more, it must not answer.
    await eventually('a write', async () =>
      client.set(key, 'w').then(
        () => true,
        () => false,
      ),
    );
    expect(await client.get(key)).toBe('w');
    await cluster.untilWell();
    await cluster.failOver(primary);
    await eventually('another write', async () =>
      client.set(key, 'x').then(
        () => true,
        () => false,
      ),
    );
    expect(await client.get(key)).toBe('x');
  });
});
