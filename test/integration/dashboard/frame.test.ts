import { afterAll, describe, expect, it } from 'vitest';
import { createCache } from 'tiercel';
import { startRedisCluster } from '../../../servers/redis-cluster.js';
import { Frames } from '../../../src/dashboard/frame.js';
import { Inside } from '../../../src/dashboard/inside.js';
import { shown } from '../../../src/runtime/shown.js';
import { eventually } from '../../support/eventually.js';
import { Opened, PATIENT } from '../../support/open-cache.js';
import { sharedRedisUrl, uniquePrefix } from '../../support/redis.js';

describe('what the dashboard is told', () => {
  const suite = new Opened();
  afterAll(() => suite.close());

  it('of a Cluster, what each node did', async () => {
    const cluster = await startRedisCluster();
    suite.add(() => cluster.stop());
    const cache = createCache({ redis: { cluster: cluster.urls, ...PATIENT } });
    suite.add(() => cache.close());
    await cache.ready();
    for (let i = 0; i < 60; i++) await cache.set(`key:${i}`, i);
    // A Cluster that has just begun may not find all of its nodes well yet.
    const { nodes, snapshot } = await eventually('every node is well', async () => {
      const frame = await new Frames(new Inside(cache)).first();
      return frame.nodes?.every(({ healthy }) => healthy) && { ...frame, nodes: frame.nodes };
    });
    expect(nodes.filter(({ role }) => role === 'primary')).toHaveLength(3);
    expect(nodes.reduce((sum, { slots }) => sum + slots, 0)).toBe(16_384);
    expect(nodes.every(({ role, commands }) => role === 'replica' || commands > 0)).toBe(true);
    expect(nodes.every(({ state }) => state === 'ready')).toBe(true);
    expect(snapshot.redis?.servers.length).toBeGreaterThan(0);

    expect(await new Inside(cache).clear('tiercel')).toBe(60);
    expect(await cache.get('key:7')).toBeUndefined();
  });

  it('finds the namespaces that the application made, and makes none', async () => {
    const cache = createCache({ namespace: 'shop' });
    suite.add(() => cache.close());
    cache.namespace('eu').namespace('orders');
    const inside = new Inside(cache);
    expect([...inside.namespaces().keys()]).toEqual(['shop', 'shop:eu', 'shop:eu:orders']);
    expect(() => inside.namespace('shop:us')).toThrow(/no namespace 'shop:us'/);
    // Its options are still the application's to choose.
    expect(() => cache.namespace('us', { ttl: '1m' })).not.toThrow();
  });

  it('clears one namespace, in Redis and in memory, and spares the others', async () => {
    const cache = createCache({ redis: sharedRedisUrl(), namespace: uniquePrefix() });
    suite.add(() => cache.close());
    await cache.ready();
    const within = cache.namespace('within');
    await cache.set('key', 1);
    await within.set('key', 2);
    expect([cache.peek('key'), within.peek('key')]).toEqual([1, 2]);
    const inside = new Inside(cache);
    const [outer = ''] = inside.namespaces().keys();
    expect(await inside.clear(outer)).toBe(1);
    expect(cache.peek('key')).toBeUndefined();
    expect(await cache.get('key')).toBeUndefined();
    expect(await within.get('key')).toBe(2);
  });

  it('shows any value without running code of its own', () => {
    const value = {
      get secret(): string {
        throw new Error('a getter was run');
      },
      [Symbol.for('nodejs.util.inspect.custom')]: () => 'no',
      map: new Map([[1n, new Date(0)]]),
      self: undefined as unknown,
    };
    value.self = value;
    expect(shown(value)).toContain('Map(1) { 1n => 1970-01-01T00:00:00.000Z }');
    expect(shown(value)).toContain('[Circular');
    expect(shown('x'.repeat(100_000)).length).toBeLessThan(21_000);
  });
});
