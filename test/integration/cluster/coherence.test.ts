import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createCache, type CacheManager, type CacheOptions } from 'tiercel';
import { startRedisCluster, type RedisCluster } from '../../../servers/redis-cluster.js';
import { rawAddress, sendRaw } from '../../../servers/raw-redis.js';
import type { RedisServer } from '../../../servers/redis.js';
import { eventually } from '../../support/eventually.js';

/** One network hop, on a machine that may be busy with other things. */
const HOP = 250;
const LONG = '1h';

describe('copies of what a Cluster holds', () => {
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

  async function open(options: CacheOptions = {}): Promise<CacheManager> {
    const cache = createCache({
      redis: { cluster: cluster.urls, commandTimeout: '1s' },
      namespace: 'shop',
      ttl: LONG,
      ...options,
    });
    closers.push(() => cache.close());
    await cache.ready();
    return cache;
  }

  const redisKey = (key: string): string => `shop::${key}`;

  /** A key on every primary. */
  async function keysOfNodes(): Promise<Map<RedisServer, string>> {
    const keys = new Map<RedisServer, string>();
    for (let i = 0; keys.size < 3; i++) {
      const owner = await cluster.ownerOf(redisKey(`k${i}`));
      if (!keys.has(owner)) keys.set(owner, `k${i}`);
    }
    return keys;
  }

  /** Copies of one key on every primary. */
  async function filled(cache: CacheManager): Promise<Map<RedisServer, string>> {
    const keys = await keysOfNodes();
    for (const key of keys.values()) {
      await cache.set(key, 'old');
      // By broadcast a server tells of the write itself too, which may come after the copy.
      await eventually(`a copy of ${key}`, async () => {
        await cache.get(key);
        return cache.peek(key) === 'old';
      });
    }
    return keys;
  }

  const gone = (cache: CacheManager, key: string, limit = HOP): Promise<unknown> =>
    eventually(`the copy of ${key} is gone`, () => cache.peek(key) === undefined, limit);

  it.each(['tracking', 'broadcast'] as const)(
    'go one hop after a change on any node, by %s',
    async (coherence) => {
      const cache = await open({ coherence });
      const keys = await filled(cache);
      for (const [server, key] of keys) {
        await server.cli('PEXPIRE', redisKey(key), '100000');
        await gone(cache, key);
      }
    },
  );

  it('of one node go with its connection, and the others stay', async () => {
    const cache = await open();
    const keys = await filled(cache);
    const [[server, key] = []] = keys;
    await server?.cli('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    await gone(cache, key as string, 1000);
    for (const other of [...keys.values()].slice(1)) expect(cache.peek(other)).toBe('old');
  });

  it('of one node go with its data, and the others stay', async () => {
    const cache = await open();
    const keys = await filled(cache);
    const [[server, key] = []] = keys;
    await server?.cli('FLUSHALL');
    await gone(cache, key as string);
    for (const other of [...keys.values()].slice(1)) expect(cache.peek(other)).toBe('old');
  });

  it('of a silent node are served for maxStaleWhenDisconnected, while those of the others go on to be true', async () => {
    const cache = await open({
      maxStaleWhenDisconnected: 600,
      redis: { cluster: cluster.urls, commandTimeout: 100 },
    });
    const keys = await filled(cache);
    const [[silent, key] = [], [speaking, other] = []] = keys;
    await silent?.freeze();
    const began = performance.now();
    try {
      expect(cache.peek(key as string)).toBe('old');
      await gone(cache, key as string, 2000);
      expect(performance.now() - began).toBeLessThan(600 + HOP);
      // Nobody waits for the silent one, and the others are as they were.
      expect(cache.peek(other as string)).toBe('old');
      const loaded = performance.now();
      expect(await cache.getOrSet(key as string, () => 'loaded')).toBe('loaded');
      expect(performance.now() - loaded).toBeLessThan(HOP);
      await speaking?.cli('DEL', redisKey(other as string));
      await gone(cache, other as string);
    } finally {
      await silent?.thaw();
    }
    await cluster.untilWell();
  });

  it('of a tag whose record is on a node that was lost are not served on its word', async () => {
    const cache = await open({ maxStaleWhenDisconnected: 400 });
    const keys = await keysOfNodes();
    const [server, other] = [...keys.keys()];
    let tag = '';
    for (let i = 0; tag === ''; i++) {
      if ((await cluster.ownerOf(`shop:%tag::t${i}`)) === server) tag = `t${i}`;
    }
    const key = keys.get(other as RedisServer) as string;
    await eventually('a tagged copy', async () => {
      await cache.set(key, 'old', { tags: [tag] });
      return cache.peek(key) === 'old';
    });
    await server?.freeze();
    try {
      await gone(cache, key, 400 + 1000 + HOP);
    } finally {
      await server?.thaw();
    }
    await cluster.untilWell();
  });

  it('do not survive a failover, after which the new primary tells of changes', async () => {
    const cache = await open();
    const keys = await filled(cache);
    const [[primary, key] = []] = keys;
    const [replica] = await cluster.replicasOf(primary as RedisServer);
    await cluster.failOver(replica as RedisServer);
    await gone(cache, key as string, 1000);
    // What was written just before is not believed of a new primary, so it is written again.
    await eventually('a copy from the new primary', async () => {
      await cache.set(key as string, 'new');
      return (await cache.get(key as string)) === 'new' && cache.peek(key as string) === 'new';
    });
    await replica?.cli('PEXPIRE', redisKey(key as string), '100000');
    await gone(cache, key as string);
  });

  it('of a primary that was voted out and cannot hear of it go soon, though it goes on to speak', async () => {
    const maxStale = 900;
    const cache = await open({ maxStaleWhenDisconnected: maxStale });
    const keys = await filled(cache);
    const [[primary, key] = []] = keys;
    const [replica] = await cluster.replicasOf(primary as RedisServer);
    const id = String(await primary?.cli('CLUSTER', 'MYID'));
    // The others forget it, so that nothing they say reaches it any more.
    for (const node of cluster.nodes) {
      if (node !== primary && node !== replica) await node.cli('CLUSTER', 'FORGET', id);
    }
    await replica?.cli('CLUSTER', 'FAILOVER', 'TAKEOVER');
    await replica?.cli('CLUSTER', 'FORGET', id);
    await gone(cache, key as string, maxStale + HOP);
    expect(await primary?.cli('PING')).toBe('PONG');
    for (const node of cluster.nodes) {
      if (node === primary) continue;
      await node.cli('CLUSTER', 'MEET', '127.0.0.1', String(primary?.port)).catch(() => undefined);
    }
    await primary?.cli('CLUSTER', 'RESET', 'SOFT').catch(async () => {
      await primary.cli('FLUSHALL');
      await primary.cli('CLUSTER', 'RESET', 'SOFT');
    });
    await eventually(
      'the primary to be taken back',
      async () => {
        await primary?.cli('CLUSTER', 'MEET', '127.0.0.1', String(replica?.port));
        const replicaId = String(await replica?.cli('CLUSTER', 'MYID'));
        return (await primary?.cli('CLUSTER', 'REPLICATE', replicaId).catch(() => '')) === 'OK';
      },
      20_000,
    );
  }, 90_000);

  it('of what was deleted are not brought back by a new primary that never heard of it', async () => {
    const cache = await open();
    const keys = await filled(cache);
    const [[primary, key] = []] = keys;
    const [replica] = await cluster.replicasOf(primary as RedisServer);
    // The replica has to connect to its primary anew, and is refused.
    await sendRaw(rawAddress(primary?.url as string), [
      ['CONFIG', 'SET', 'requirepass', 'secret'],
      ['CLIENT', 'KILL', 'TYPE', 'replica'],
    ]);
    expect(await cache.delete(key as string)).toBe(true);
    await cache.set(`${key as string}:other`, 'known to both');
    await replica?.cli('CLUSTER', 'FAILOVER', 'TAKEOVER');
    await cluster.untilPrimary(replica as RedisServer);
    // It has the old value, and nobody gets it, until it is told that this is gone.
    await eventually('the new primary to be told', async () => {
      expect(await cache.getOrSet(key as string, () => 'loaded')).toBe('loaded');
      const standing = await replica?.cli('GET', redisKey(key as string));
      return !String(standing).includes('old');
    });
    expect(await cache.get(key as string)).not.toBe('old');
    await sendRaw(rawAddress(primary?.url as string), [
      ['AUTH', 'secret'],
      ['CONFIG', 'SET', 'requirepass', ''],
    ]);
  });

  describe('in a slot that moves', () => {
    const tag = '{moving}';
    const key = `${tag}k`;
    let slot: number;
    let from: RedisServer;
    let to: RedisServer;

    async function start(cache: CacheManager): Promise<void> {
      slot = await cluster.slotOf(tag);
      from = await cluster.ownerOf(tag);
      const owners = await keysOfNodes();
      to = [...owners.keys()].find((server) => server !== from) as RedisServer;
      await cache.set(key, 'old');
      await cache.get(key);
      expect(cache.peek(key)).toBe('old');
      await cluster.beginMigration(slot, from, to);
    }

    it('go when their key moves', async () => {
      const cache = await open();
      await start(cache);
      await cluster.moveKeys(slot, from, to);
      await gone(cache, key);
      await cluster.endMigration(slot, from, to);
    });

    it('are told of changes by the node that has the key, before it has the slot and after', async () => {
      const cache = await open();
      await start(cache);
      await cluster.moveKeys(slot, from, to);
      await gone(cache, key);
      expect(await cache.get(key)).toBe('old');
      expect(cache.peek(key)).toBe('old');
      await sendAsking(to, 'PEXPIRE', redisKey(key), '100000');
      await gone(cache, key);
      expect(await cache.get(key)).toBe('old');
      await cluster.endMigration(slot, from, to);
      await gone(cache, key, 5000);
      await eventually('a copy from the new owner', async () => (await cache.get(key)) === 'old');
      expect(cache.peek(key)).toBe('old');
      await to.cli('PEXPIRE', redisKey(key), '100000');
      await gone(cache, key);
    });

    it('go with the connection to the node that has the key but not the slot', async () => {
      const cache = await open();
      await start(cache);
      await cluster.moveKeys(slot, from, to);
      await gone(cache, key);
      await eventually(
        'a copy by ASK',
        async () => (await cache.get(key)) === 'old' && cache.peek(key) === 'old',
      );
      await to.cli('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
      await gone(cache, key, 1000);
      await cluster.endMigration(slot, from, to);
    });
  });
});

/** One command about a key of a slot that the server does not have yet. */
async function sendAsking(server: RedisServer, ...args: string[]): Promise<void> {
  await sendRaw(rawAddress(server.url), [['ASKING'], args]);
}
