import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  CacheClient,
  ConsistentHash,
  createCache,
  type CacheManager,
  type RedisShardsOptions,
} from 'tiercel';
import { clearNamespace } from '../../../src/client/clear-namespace.js';
import { openPort } from '../../../src/redis/open-port.js';
import { eventually } from '../../support/eventually.js';
import { MemoryLogger } from '../../support/memory-logger.js';
import { Opened, PATIENT } from '../../support/open-cache.js';
import { startRedis, type RedisServer } from '../../support/redis.js';

const NAMES = ['a', 'b', 'c'];
const ring = new ConsistentHash(NAMES);
const keys = Array.from({ length: 60 }, (_, i) => `user:${i}`);

describe('keys over shards', () => {
  const opened = new Opened();
  let servers: RedisServer[];

  beforeAll(async () => {
    servers = await Promise.all(NAMES.map(() => startRedis()));
  });
  afterAll(() => Promise.all(servers.map((server) => server.stop())));
  beforeEach(() => Promise.all(servers.map((server) => server.cli('FLUSHALL'))));
  afterEach(() => opened.close());

  const options = (names = NAMES): RedisShardsOptions => ({
    shards: names.map((name) => ({ name, url: servers[NAMES.indexOf(name)]?.url ?? '' })),
    ...PATIENT,
  });
  async function open(redis = options()): Promise<CacheManager> {
    const cache = createCache({ redis, namespace: 'shop' });
    opened.add(() => cache.close());
    await cache.ready();
    return cache;
  }
  const keysOf = async (server: RedisServer | undefined): Promise<string[]> =>
    ((await server?.cli('KEYS', 'shop::*')) as string[] | undefined)?.sort() ?? [];

  it('stand where the ring says, by the names of the shards', async () => {
    const cache = await open();
    await cache.setMany(keys.map((key) => [key, key]));
    for (const [i, name] of NAMES.entries()) {
      const own = keys.map((key) => `shop::${key}`).filter((key) => ring.get(key) === name);
      expect(await keysOf(servers[i])).toEqual(own.sort());
      expect(own.length).toBeGreaterThan(0);
    }
  });

  it('stand together where they have the same hash tag, as on a Cluster', async () => {
    const cache = await open();
    await cache.setMany(keys.map((key) => [`{team}${key}`, key]));
    const shard = NAMES.indexOf(ring.get('team') ?? '');
    expect(await keysOf(servers[shard])).toHaveLength(keys.length);
  });

  it('of writes that wait for the database stand together, so that every one is written', async () => {
    const cache = await open();
    const written: number[] = [];
    const rows = cache.resource('row', {
      load: async (id: number) => -id,
      saveMany: async (writes) => void written.push(...writes.map(({ id }) => id)),
      write: 'behind',
      behind: { pollInterval: 10 },
    });
    const ids = keys.map((_, i) => i);
    await rows.saveMany(ids.map((id) => [id, id]));
    expect(await rows.flush('5s')).toBe(0);
    expect(written.toSorted((a, b) => a - b)).toEqual(ids);
  });

  it('are found by a process that names the shards in another order', async () => {
    await (await open()).set('user:1', 'Ada');
    expect(await (await open(options(['c', 'b', 'a']))).get('user:1')).toBe('Ada');
  });

  it('stay where they are when a shard moves to another address', async () => {
    const cache = await open({
      shards: [
        { name: 'a', url: servers[0]?.url ?? '' },
        { name: 'b', port: 1 },
      ],
    });
    const key =
      keys.find((candidate) => new ConsistentHash(['a', 'b']).get(`shop::${candidate}`) === 'a') ?? '';
    await cache.set(key, 'Ada');
    // Moved: the same data elsewhere.
    const shards = [
      { name: 'a', url: servers[0]?.url ?? '' },
      { name: 'b', url: servers[1]?.url ?? '' },
    ];
    expect(await (await open({ shards })).get(key)).toBe('Ada');
  });

  it('move to a shard that is added, and to no other', async () => {
    const before = await open(options(['a', 'b']));
    await before.setMany(keys.map((key) => [key, key]));
    const after = await CacheClient.connect(options(), { namespace: 'shop' });
    opened.add(() => after.close());
    const found = await after.getMany(keys);
    expect([...found.keys()]).toEqual(keys.filter((key) => ring.get(`shop::${key}`) !== 'c'));
  });

  it('are read and written in bulk with one command a shard', async () => {
    const client = await CacheClient.connect(options(), { namespace: 'shop' });
    opened.add(() => client.close());
    await client.setMany(keys.map((key) => [key, key]));
    await Promise.all(servers.map((server) => server.cli('CONFIG', 'RESETSTAT')));
    expect(await client.getMany(keys)).toEqual(new Map(keys.map((key) => [key, key])));
    for (const server of servers) {
      expect(await server.cli('INFO', 'commandstats')).toMatch(/cmdstat_mget:calls=1,/);
    }
    expect(await client.deleteMany(keys)).toBe(keys.length);
    expect(await client.getMany(keys)).toEqual(new Map());
  });

  it('are cleared on all shards', async () => {
    const cache = await open();
    await cache.setMany(keys.map((key) => [key, key]));
    const port = openPort(options());
    opened.add(() => port.close());
    await port.connect();
    expect(await clearNamespace(port, 'shop::')).toBe(keys.length);
    expect((await Promise.all(servers.map(keysOf))).flat()).toEqual([]);
  });

  it('are dropped from memory when anyone changes them on any shard', async () => {
    const cache = await open();
    await cache.setMany(keys.map((key) => [key, key]));
    for (const [i, server] of servers.entries()) {
      const key = keys.find((candidate) => ring.get(`shop::${candidate}`) === NAMES[i]) ?? '';
      expect(cache.peek(key)).toBe(key);
      await server.cli('DEL', `shop::${key}`);
      await eventually('the copy goes', () => cache.peek(key) === undefined);
    }
  });

  it('are stale by a tag whose record is on another shard', async () => {
    const [cache, other] = [await open(), await open()];
    // Tags, their floor and the entries are spread over all three.
    const tags = Array.from({ length: 6 }, (_, i) => `team:${i}`);
    for (const [i, key] of keys.entries()) await cache.set(key, 'old', { tags: [tags[i % 6] ?? ''] });
    await other.invalidateTags(['team:1', 'team:2']);
    for (const [i, key] of keys.entries()) {
      const read = (): Promise<string> => cache.getOrSet(key, () => 'new');
      // A copy in memory hears of it a hop later.
      if (i % 6 === 1 || i % 6 === 2)
        await eventually(`${key} is stale`, async () => (await read()) === 'new');
      else expect(await read(), key).toBe('old');
    }
  });

  describe('with one shard away', () => {
    it('a cache starts, says which is away, and serves the others', async () => {
      const logger = new MemoryLogger();
      const redis = { ...options(), shards: [...options().shards, { name: 'gone', port: 1 }], maxRetries: 0 };
      const cache = createCache({ redis, namespace: 'shop', logger });
      opened.add(() => cache.close());
      await cache.ready();
      expect(cache.stats().state).toBe('degraded');
      const four = new ConsistentHash([...NAMES, 'gone']);
      const results = await Promise.allSettled(keys.map((key) => cache.set(key, key)));
      for (const [i, key] of keys.entries()) {
        expect(results[i]?.status).toBe(four.get(`shop::${key}`) === 'gone' ? 'rejected' : 'fulfilled');
        expect(await cache.getOrSet(key, () => key)).toBe(key);
      }
      expect(logger.text).toContain('warn the shard gone at localhost:1 is lost');
      const health = await cache.healthCheck();
      expect(health).toMatchObject({ healthy: false, redis: { state: 'degraded' } });
      expect(health.redis?.error?.message).toContain('localhost:1');
    });

    it('a cache does not start if none is there, or one refuses the login', async () => {
      const none = createCache({ redis: { shards: [{ port: 1 }, { port: 2 }], maxRetries: 0 } });
      opened.add(() => none.close());
      await expect(none.ready()).rejects.toMatchObject({ code: 'TIERCEL_CONNECTION' });
      await using guarded = await startRedis({ config: { requirepass: 'secret' } });
      const shards = [...options().shards, `redis://:wrong@127.0.0.1:${guarded.port}`];
      const refused = createCache({ redis: { ...options(), shards } });
      opened.add(() => refused.close());
      await expect(refused.ready()).rejects.toMatchObject({ code: 'TIERCEL_AUTHENTICATION' });
    });
  });
});
