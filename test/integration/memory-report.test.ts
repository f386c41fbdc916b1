import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  createCache,
  jsonCodec,
  msgpackCodec,
  type CacheManager,
  type CacheOptions,
  type Codec,
  type MemoryReport,
} from 'tiercel';
import { KeySpace } from '../../src/client/key-space.js';
import { Serializer } from '../../src/codec/serializer.js';
import { openPort } from '../../src/redis/open-port.js';
import type { RedisPort } from '../../src/redis/port.js';
import { reportMemory } from '../../src/report/report-memory.js';
import { deferred } from '../../servers/deferred.js';
import { rawAddress, sendRaw } from '../../servers/raw-redis.js';
import { Opened, PATIENT } from '../support/open-cache.js';
import { redisCli, type RedisCli } from '../support/redis-cli.js';
import { startRedis, type RedisServer } from '../support/redis.js';

const profile = (i: number) => ({
  id: i,
  name: `User number ${i}`,
  email: `user${i}@example.com`,
  roles: ['reader', 'writer'].slice(0, 1 + (i % 2)),
  about: 'x'.repeat((i * 37) % 300),
});

describe('the memory report', () => {
  const suite = new Opened();
  let server: RedisServer;
  let cli: RedisCli;

  beforeAll(async () => {
    server = await startRedis();
    suite.add(() => server.stop());
    cli = redisCli(server.url);
  });
  afterAll(() => suite.close());
  beforeEach(() => server.cli('FLUSHALL'));

  /** Not waited for: `ready()` would make a tag record, which is a key too. */
  function open(options: CacheOptions = {}): CacheManager {
    const cache = createCache({
      redis: { url: server.url, ...PATIENT },
      namespace: 'shop',
      ttl: '1h',
      ...options,
    });
    suite.add(() => cache.close());
    return cache;
  }

  /** What Redis itself says of all keys with this beginning. */
  async function usage(...beginnings: string[]): Promise<{ keys: number; bytes: number }> {
    const all = (await cli.text('KEYS', '*')) as string[];
    const keys = all.filter((key) => beginnings.some((beginning) => key.startsWith(beginning)));
    const commands = keys.map((key) => ['MEMORY', 'USAGE', key, 'SAMPLES', '0']);
    const replies = commands.length === 0 ? [] : await sendRaw(rawAddress(server.url), commands, 15_000);
    const bytes = replies.reduce<number>((sum, reply) => sum + Number(reply), 0);
    return { keys: keys.length, bytes };
  }

  const fill = (cache: CacheManager, count: number) =>
    cache.setMany(Array.from({ length: count }, (_, i) => [`user:${i}`, profile(i)] as const));

  it('of a small namespace is what MEMORY USAGE says of each of its keys', async () => {
    const cache = open();
    await fill(cache, 300);
    await fill(open({ namespace: 'shopping' }), 5);
    const truth = await usage('shop:');
    const values = await usage('shop::');
    const report = await cache.memory();
    expect(report).toMatchObject({
      namespace: 'shop',
      servers: 1,
      complete: true,
      databaseKeys: 307, // the shapes of each namespace among them
      total: { sampled: truth, estimated: truth },
      expiring: { sampled: truth },
    });
    expect(report.kinds.value).toEqual({ sampled: values, estimated: values });
    expect(report.kinds.shared.sampled).toEqual(await usage('shop:%'));
    expect(report.codecs).toEqual({ msgpack: report.kinds.value });
    expect(report.compressors).toEqual({ none: report.kinds.value });
    expect(report.untold.sampledBytes).toBe(301 * 73);
    expect(report.stoppedBy).toBeUndefined();
    const { payloads, headers, keyNames, redis } = report.parts;
    const parts = [payloads, headers, keyNames, redis].map(({ sampledBytes }) => sampledBytes);
    expect(parts.reduce((sum, bytes) => sum + bytes)).toBe(values.bytes);
    // The first of them holds its shapes, the others name them.
    expect(headers.sampledBytes).toBe(26 + 299 * 34);
    for (const bytes of parts) expect(bytes).toBeGreaterThan(0);
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
  });

  it('tells namespaces, leases, tags and keys of others apart', async () => {
    const cache = open();
    const eu = cache.namespace('eu');
    await fill(cache, 10);
    await fill(eu, 20);
    await eu.set('tagged', 1, { tags: ['a', 'b'] });
    await cache.invalidateTags(['a']);
    const loading = deferred<string>();
    const load = cache.getOrSet('slow', () => loading.promise);
    await cli.raw('SET', 'shop::text', 'no entry of ours');
    await cli.raw('RPUSH', 'shop::list', 'a', 'b');
    await cli.raw('SET', 'shop:stray', 'x');
    await cli.raw('SET', Buffer.concat([Buffer.from('shop::'), Buffer.from([0xff, 0xfe])]), 'bytes');
    await cli.raw('SET', 'elsewhere::shop::1', 'x');
    await cli.raw('SET', 'shopping', 'x');
    await expect.poll(() => cli.raw('EXISTS', 'shop::slow')).toBe(1);

    const report = await cache.memory({ compare: 0 });
    const keys = (shares: Readonly<Record<string, { sampled: { keys: number } }>>) =>
      Object.fromEntries(Object.entries(shares).map(([name, { sampled }]) => [name, sampled.keys]));
    const tags = (await usage('shop:%tag', 'shop:eu:%tag')).keys;
    expect(tags).toBeGreaterThan(0);
    expect(keys(report.kinds)).toEqual({ value: 31, lease: 1, foreign: 4, tag: tags, shared: 1 });
    expect(report.namespaces['shop:eu']?.sampled).toEqual(await usage('shop:eu'));
    expect(Object.keys(report.namespaces).toSorted()).toEqual(['shop', 'shop:eu']);
    expect((await eu.memory({ compare: 0 })).total).toEqual(report.namespaces['shop:eu']);
    loading.resolve('now');
    await load;
  });

  it('counts the marker of a refresh among the leases', async () => {
    const cache = open();
    await cache.set('k', 1, { ttl: 1, staleWhileRevalidate: '1h', jitter: 0 });
    const loading = deferred<number>();
    await expect.poll(async () => (await cache.getEntry('k'))?.stale ?? true).toBe(true);
    const options = { staleWhileRevalidate: '1h', ttl: 1 } as const;
    expect(await cache.getOrSet('k', () => loading.promise, options)).toBe(1);
    await expect.poll(() => cli.raw('EXISTS', '%refresh:shop::k')).toBe(1);
    const { kinds } = await cache.memory();
    expect([kinds.lease.sampled.keys, kinds.value.sampled.keys]).toEqual([1, 1]);
    loading.resolve(2);
  });

  it('tells codecs apart, also one it cannot read', async () => {
    const custom: Codec = { ...jsonCodec(), name: 'mine', id: 9 };
    await fill(open({ codec: jsonCodec() }), 5);
    await open({ codec: custom }).set('mine', { a: 1 });
    const cache = open({ readCodecs: [jsonCodec()] });
    await cache.set('own', 1);
    const report = await cache.memory();
    expect(Object.keys(report.codecs).toSorted()).toEqual(['codec 9', 'json', 'msgpack']);
    expect(report.codecs['json']?.sampled.keys).toBe(5);
    expect((await cache.memory({ codecs: [custom] })).codecs['mine']?.sampled.keys).toBe(1);
  });

  it('names the largest keys', async () => {
    const cache = open();
    await fill(cache, 20);
    await cache.set('large', 'x'.repeat(50_000), { ttl: Infinity });
    await cli.raw('SET', 'shop::larger', 'x'.repeat(90_000));
    const { largest } = await cache.memory({ largest: 3 });
    expect(largest).toHaveLength(3);
    expect(largest[0]).toMatchObject({ redisKey: 'shop::larger', kind: 'foreign', namespace: 'shop' });
    expect(largest[1]).toMatchObject({ redisKey: 'shop::large', kind: 'value' });
    expect(largest[1]).not.toHaveProperty('ttl');
    expect(largest[2]?.ttl).toBeGreaterThan(3_000_000);
    for (const { redisKey, bytes } of largest) {
      expect(bytes).toBe(Number(await cli.raw('MEMORY', 'USAGE', redisKey, 'SAMPLES', '0')));
    }
  });

  it('of many keys measures a bounded sample of them, estimates the rest, and says so', async () => {
    const cache = open();
    await fill(cache, 20_000);
    await fill(open({ namespace: 'other' }), 10_000);
    await server.cli('CONFIG', 'RESETSTAT');
    const report = await cache.memory({ maxKeys: 3000 });
    const commands = String(await server.cli('INFO', 'commandstats'));
    const truth = await usage('shop:');
    expect(report).toMatchObject({ complete: false, stoppedBy: 'maxKeys', databaseKeys: 30_002 });
    expect(report.total.sampled.keys).toBeGreaterThanOrEqual(3000);
    expect(report.total.sampled.keys).toBeLessThan(4100);
    for (const part of ['keys', 'bytes'] as const) {
      expect(report.total.estimated[part] / truth[part]).toBeGreaterThan(0.9);
      expect(report.total.estimated[part] / truth[part]).toBeLessThan(1.1);
    }
    expect(commands).toMatch(/cmdstat_scan:/);
    expect(commands).not.toMatch(/cmdstat_keys:/);
    const measured = Number(/cmdstat_memory\|usage:calls=(\d+)/.exec(commands)?.[1]);
    expect(measured).toBe(report.total.sampled.keys);
  });

  it('tells how far it is, more and more, and at the end that it is done', async () => {
    const cache = open();
    await fill(cache, 5000);
    const told: number[] = [];
    await cache.memory({ compare: 0, onProgress: (share) => told.push(share) });
    expect(told.length).toBeGreaterThanOrEqual(5);
    expect(told).toEqual(told.toSorted((a, b) => a - b));
    expect(told[0]).toBeGreaterThan(0);
    expect(told[0]).toBeLessThan(1);
    expect(told.at(-1)).toBe(1);
  });

  it('stops when its time is over, and says so', async () => {
    const cache = open();
    await fill(cache, 20_000);
    const report = await cache.memory({ timeout: 5, maxKeys: 1_000_000, compare: 0 });
    expect(report).toMatchObject({ complete: false, stoppedBy: 'timeout' });
    expect(report.total.sampled.keys).toBeLessThan(20_000);
  });

  it('of several servers adds them up, each by its own scale', async () => {
    await using second = await startRedis();
    const ports = [server, second].map(({ url }) => openPort({ url, ...PATIENT }));
    const [one, two] = ports as [RedisPort, RedisPort];
    await Promise.all(ports.map((port) => port.connect()));
    suite.add(() => Promise.all(ports.map((port) => port.close())));
    await fill(open(), 9000);
    await fill(open({ redis: { url: second.url, ...PATIENT } }), 30);
    const over = (servers: readonly RedisPort[]): RedisPort =>
      new Proxy(one, { get: (port, name) => (name === 'servers' ? servers : Reflect.get(port, name, port)) });
    const both = over([one, two]);
    const keySpace = KeySpace.of('shop');
    const serializer = new Serializer(msgpackCodec());
    const whole = await reportMemory(both, keySpace, serializer, { maxKeys: 100_000 });
    expect(whole).toMatchObject({ servers: 2, complete: true, databaseKeys: 9032 });
    expect(whole.total.sampled.keys).toBe(9032);
    const sampled = await reportMemory(both, keySpace, serializer, { maxKeys: 1000, compare: 0 });
    expect(sampled).toMatchObject({ servers: 2, complete: false, databaseKeys: 9032 });
    expect(sampled.total.estimated.keys).toBeGreaterThan(8000);
    expect(sampled.total.estimated.keys).toBeLessThan(10_000);
    await expect(reportMemory(over([]), keySpace, serializer, {})).rejects.toMatchObject({
      code: 'TIERCEL_CONNECTION',
    });
  });

  describe('compared with other ways to store', () => {
    const byName = ({ alternatives }: MemoryReport) =>
      Object.fromEntries(
        alternatives.filter(({ compressor }) => compressor === 'none').map((each) => [each.codec, each]),
      );

    it('tells what the values take now, and what they would take, as it then turns out', async () => {
      const cache = open();
      await fill(cache, 200);
      const report = await cache.memory();
      const { msgpack, json } = byName(report);
      expect(msgpack).toMatchObject({ values: 200, refused: 0, compressor: 'none' });
      // All but the first, which holds its shapes, are stored so already.
      expect(msgpack?.ratio).toBeGreaterThan(0.98);
      expect(msgpack?.ratio).toBeLessThanOrEqual(1);
      expect(msgpack?.bytesNow).toBe(report.kinds.value.sampled.bytes);
      for (const { encodeMicros, decodeMicros } of report.alternatives) {
        expect(encodeMicros).toBeGreaterThan(0);
        expect(decodeMicros).toBeGreaterThan(0);
      }
      await server.cli('FLUSHALL');
      await fill(open({ codec: jsonCodec() }), 200);
      const truth = await usage('shop::');
      expect((json?.bytes ?? 0) / truth.bytes).toBeGreaterThan(0.99);
      expect((json?.bytes ?? 0) / truth.bytes).toBeLessThan(1.01);
      expect(report.allocator.meanError).toBeLessThan(8);
    });

    it('leaves out values that a codec refuses, and says how many', async () => {
      const cache = open();
      await cache.set('date', new Date(0));
      await cache.set('plain', { a: 1 });
      const { msgpack, json } = byName(await cache.memory());
      expect(msgpack).toMatchObject({ values: 2, refused: 0 });
      expect(json).toMatchObject({ values: 1, refused: 1 });
      expect(json?.bytesNow).toBeLessThan(msgpack?.bytesNow ?? 0);
    });

    it('takes as many as it is told to, and codecs of others', async () => {
      const cache = open();
      await fill(cache, 50);
      const terse: Codec = { name: 'terse', id: 12, encode: () => new Uint8Array(1), decode: () => 1 };
      const { alternatives } = await cache.memory({ compare: 7, codecs: [terse] });
      expect(alternatives.map(({ codec, values }) => [codec, values])).toContainEqual(['terse', 7]);
      expect(alternatives[0]?.codec).toBe('terse');
      expect((await cache.memory({ compare: 0 })).alternatives).toEqual([]);
    });
  });

  it('of nothing is nothing', async () => {
    const report = await open().memory();
    expect(report).toMatchObject({ complete: true, databaseKeys: 0, namespaces: {}, largest: [] });
    expect(report.total.estimated).toEqual({ keys: 0, bytes: 0 });
  });

  it('rejects where Redis cannot be asked, and for a cache without Redis', async () => {
    await using away = createCache({ redis: 'redis://127.0.0.1:1' });
    await expect(away.memory()).rejects.toMatchObject({ code: 'TIERCEL_CONNECTION', operation: 'memory' });
    await using local = createCache();
    await expect(local.memory()).rejects.toMatchObject({ code: 'TIERCEL_INVALID_OPTION' });
    await expect(open().memory({ maxKeys: 0 })).rejects.toThrow('maxKeys');
    await expect(open().memory({ max: 1 } as object)).rejects.toThrow('unknown option');
  });
});
