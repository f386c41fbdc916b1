import { readFileSync } from 'node:fs';
import { inspect } from 'node:util';
import { createCache, type CacheOptions } from 'tiercel';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Diagnosis } from '../../src/cli/doctor/examine.js';
import { startRedisCluster } from '../../servers/redis-cluster.js';
import { rawAddress, rawCommand } from '../../servers/raw-redis.js';
import { eventually } from '../support/eventually.js';
import { Opened } from '../support/open-cache.js';
import { startRedis, type RedisServer } from '../support/redis.js';
import { jsonOf, runHere } from '../support/run-cli.js';

const production = readFileSync(new URL('../../docs/guides/production.md', import.meta.url), 'utf8');

/** The rights of a user as a guide gives them, for this password. */
function rightsIn(guide: string, user: string, password: string): string {
  const text = readFileSync(new URL(`../../docs/guides/${guide}`, import.meta.url), 'utf8');
  const line = text.split('\n').find((one) => one.startsWith(`user ${user} `));
  if (line === undefined) throw new Error(`${guide} gives no user ${user}`);
  return line.slice('user '.length).replace('>…', `>${password}`);
}

describe('the ACL users of the guides', () => {
  let redis: RedisServer;
  beforeAll(async () => {
    const acl = [
      'default off',
      rightsIn('production.md', 'shop', 'secret'),
      rightsIn('cli.md', 'doctor', 'secret'),
    ];
    redis = await startRedis({
      acl,
      config: { maxmemory: '100mb', 'maxmemory-policy': 'volatile-lfu' },
      appendonly: true,
    });
  });
  afterAll(() => redis.stop());

  const urlFor = (user: string): string => `redis://${user}:secret@127.0.0.1:${redis.port}`;

  it.each<CacheOptions['coherence']>(['tracking', 'broadcast', 'pubsub'])(
    'that of an application may do all that a cache does, with %s',
    async (coherence) => {
      await using opened = new Opened();
      const logged: string[] = [];
      const note = (message: string, details?: object): void => void logged.push(message + inspect(details));
      const logger = { debug: note, info: () => undefined, warn: note, error: note };
      const cache = createCache({
        redis: { url: urlFor('shop'), commandTimeout: '5s' },
        namespace: 'shop',
        staleWhileRevalidate: '1m',
        compression: true,
        ...(coherence && { coherence }),
        logger,
      });
      opened.add(() => cache.close());
      await cache.ready();
      expect(await cache.getOrSet('a', () => 1, { tags: ['t'] })).toBe(1);
      await cache.set('b', { list: [1, 2] });
      await cache.set('stale', 1, { ttl: 1 });
      await eventually(
        'a refresh',
        async () => (await cache.getOrSet('stale', () => 2, { ttl: '1m' })) === 2,
      );
      await cache.setMany([
        ['c', { x: 1 }],
        ['d', { x: 2 }],
      ]);
      expect((await cache.getOrSetMany(['c', 'e'], (keys) => keys.map(() => 5))).size).toBe(2);
      expect(await cache.delete('b')).toBe(true);
      await cache.invalidateTags(['t']);
      expect(await cache.get('a')).toBeUndefined();
      expect(await cache.expire('c', '1m')).toBe(true);
      expect(await cache.ttl('c')).toBeGreaterThan(0);
      expect((await cache.memory()).total.sampled.keys).toBeGreaterThan(0);
      const plain = cache.namespace('plain', { format: 'plain' });
      expect(await plain.getOrSet('p', () => ({ ok: true }))).toEqual({ ok: true });
      const table = new Map<number, unknown>();
      const orders = cache.resource('orders', {
        load: async (id: number) => table.get(id),
        save: async (id: number, value: unknown) => void table.set(id, value),
        write: 'behind',
      });
      await orders.save(1, 7);
      expect(await orders.flush()).toBe(0);
      await cache.clear();
      expect((await cache.healthCheck()).healthy).toBe(true);
      expect(logged.filter((message) => /NOPERM|refused/i.test(message))).toEqual([]);
    },
  );

  it('that of an application may use a Cluster, with what is added for that', async () => {
    const more = / on a Cluster `([^`]+)` besides/.exec(production)?.[1] ?? '';
    const acl = ['default off', `${rightsIn('production.md', 'shop', 'secret')} ${more}`];
    await using cluster = await startRedisCluster({ primaries: 3, replicas: 0, node: { acl } });
    const [first] = cluster.nodes;
    await using opened = new Opened();
    const logged: string[] = [];
    const note = (message: string, details?: object): void => void logged.push(message + inspect(details));
    const cache = createCache({
      redis: { cluster: [`redis://shop:secret@127.0.0.1:${first?.port}`], commandTimeout: '5s' },
      namespace: 'shop',
      logger: { debug: note, info: note, warn: note, error: note },
    });
    opened.add(() => cache.close());
    await cache.ready();
    await cache.setMany(Array.from({ length: 30 }, (_, i) => [`k${i}`, i] as const));
    expect(await cache.deleteMany(['k1', 'k2', 'k3'])).toBe(3);
    await cache.clear();
    expect(await cache.get('k4')).toBeUndefined();
    expect(cache.nodes.list().map(({ healthy }) => healthy)).toEqual([true, true, true]);
    expect(logged.filter((message) => message.includes('NOPERM'))).toEqual([]);
  });

  it('that of an application may not touch what is not its own', async () => {
    const address = rawAddress(urlFor('shop'));
    for (const command of [
      ['GET', 'other::a'],
      ['SET', 'other::a', '1'],
      ['KEYS', 'shop:*'],
      ['FLUSHALL'],
      ['CONFIG', 'SET', 'maxmemory', '0'],
    ]) {
      await expect(rawCommand(address, command), command.join(' ')).rejects.toThrow('NOPERM');
    }
  });

  it('that of doctor lets every check be made, and changes nothing', async () => {
    const diagnosis = await jsonOf<Diagnosis>(runHere, ['doctor', '--url', urlFor('doctor')]);
    expect(diagnosis.findings.filter(({ level }) => level === 'unknown')).toEqual([]);
    const address = rawAddress(urlFor('doctor'));
    for (const command of [
      ['GET', 'shop::a'],
      ['SET', 'shop::a', '1'],
      ['CONFIG', 'SET', 'maxmemory', '0'],
    ]) {
      await expect(rawCommand(address, command), command.join(' ')).rejects.toThrow('NOPERM');
    }
  });
});
