import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createCache, type CacheManager, type CacheOptions, type ReadEvent } from 'tiercel';
import { eventually } from '../support/eventually.js';
import { startRedis, type RedisServer } from '../support/redis.js';

describe('the layers', () => {
  let server: RedisServer;
  const caches: CacheManager[] = [];

  beforeEach(async () => {
    server = await startRedis();
  });
  afterEach(async () => {
    for (const cache of caches.splice(0)) await cache.close();
    await server.stop();
  });

  function make(options: CacheOptions = {}): CacheManager {
    const cache = createCache({
      redis: { url: server.url, commandTimeout: '2s' },
      namespace: 'shop',
      ...options,
    });
    caches.push(cache);
    return cache;
  }

  async function open(options: CacheOptions = {}): Promise<CacheManager> {
    const cache = make(options);
    await cache.ready();
    return cache;
  }

  const commands = async (): Promise<number> => {
    const info = String(await server.cli('INFO', 'stats'));
    return Number(/total_commands_processed:(\d+)/.exec(info)?.[1]);
  };

  it('answer from memory with no word to Redis', async () => {
    const cache = await open({ redis: { url: server.url, heartbeatInterval: '1h' } });
    await cache.set('k', { a: 1 });
    const before = await commands();
    for (let i = 0; i < 100; i++) expect(await cache.getOrSet('k', () => ({ a: 2 }))).toEqual({ a: 1 });
    expect((await commands()) - before).toBeLessThan(4); // those of the question itself
    expect(cache.stats().counters.memoryHits).toBe(100);
  });

  it('answer a tagged entry from memory with no word to Redis either', async () => {
    const cache = await open({ redis: { url: server.url, heartbeatInterval: '1h' } });
    const load = (): number => 1;
    await eventually('a tagged copy', async () => {
      await cache.getOrSet('k', load, { tags: ['a', 'b'] });
      return cache.peek('k') !== undefined;
    });
    const before = await commands();
    for (let i = 0; i < 100; i++) await cache.getOrSet('k', load, { tags: ['a', 'b'] });
    expect((await commands()) - before).toBeLessThan(4);
  });

  it('forget an entry everywhere when one of its tags is invalidated anywhere', async () => {
    const [here, there] = await Promise.all([open(), open()]);
    const fill = (cache: CacheManager) => async (): Promise<boolean> => {
      await cache.getOrSet('k', () => 'old', { tags: ['team:7', 'users'] });
      return cache.peek('k') === 'old';
    };
    await eventually('a copy here', fill(here));
    await eventually('a copy there', fill(there));
    await here.set('untagged', 1);
    await there.invalidateTags(['users']);
    expect(there.peek('k')).toBeUndefined();
    await eventually('the copy here is gone', () => here.peek('k') === undefined, 250);
    expect(await here.get('k')).toBeUndefined();
    expect(here.peek('untagged')).toBe(1);
    expect(await here.getOrSet('k', () => 'new', { tags: ['users'] })).toBe('new');
  });

  it('never bring an entry back when Redis has evicted the record of its tag', async () => {
    const [here, there] = await Promise.all([open(), open()]);
    await eventually('the entry', async () => {
      await here.getOrSet('k', () => 'old', { tags: ['users'] });
      return (await there.get('k')) === 'old';
    });
    await there.invalidateTags(['users']);
    await server.cli('DEL', 'shop:%tag::users');
    await eventually('no copy', () => here.peek('k') === undefined, 250);
    expect(await here.get('k')).toBeUndefined();
    expect(await there.get('k')).toBeUndefined();
  });

  it('work with memory alone, and with Redis alone', async () => {
    const memoryOnly = createCache({ namespace: 'shop' });
    caches.push(memoryOnly);
    await memoryOnly.ready();
    let loads = 0;
    for (let i = 0; i < 3; i++) expect(await memoryOnly.getOrSet('k', () => ++loads)).toBe(1);
    expect(await memoryOnly.delete('k')).toBe(true);
    expect(await memoryOnly.get('k')).toBeUndefined();
    expect(memoryOnly.stats().state).toBeUndefined();
    expect((await memoryOnly.healthCheck()).healthy).toBe(true);

    const redisOnly = await open({ memory: false });
    await redisOnly.set('k', 1);
    expect(await redisOnly.get('k')).toBe(1);
    expect(redisOnly.peek('k')).toBeUndefined();
    expect(redisOnly.stats().memory).toBeUndefined();
  });

  it('work before Redis comes, and with it when it does', async () => {
    await server.kill();
    const cache = make({ redis: { url: server.url, retryDelay: { min: 5, max: 20 } } });
    expect(await cache.getOrSet('k', () => 'loaded')).toBe('loaded');
    await server.restart();
    await eventually('Redis', async () => (await cache.healthCheck()).healthy);
    await cache.getOrSet('other', () => 'loaded too');
    await eventually('the entry in Redis', async () => (await server.cli('EXISTS', 'shop::other')) === 1);
  });

  it('say which of them answered, how old it was and whether it was stale', async () => {
    const cache = await open();
    const events: ReadEvent[] = [];
    const stop = cache.onRead((event) => events.push(event));
    await cache.getOrSet('k', () => 1);
    await eventually('a copy', () => cache.peek('k') !== undefined);
    const other = await open();
    other.onRead((event) => events.push(event));
    await other.getOrSet('k', () => 2);
    expect(events.map(({ layer }) => layer).filter((layer, i, all) => layer !== all[i - 1])).toEqual([
      'load',
      'memory',
      'redis',
    ]);
    expect(events.every(({ key, stale }) => key === 'k' && !stale)).toBe(true);
    expect(await other.getEntry('k')).toMatchObject({ value: 1, layer: 'memory', stale: false, tags: [] });
    stop();
    const told = events.length;
    await cache.get('k');
    expect(events).toHaveLength(told);
  });

  it('share one bound of bytes over all namespaces, and keep their keys apart', async () => {
    const cache = await open({ memory: { maxBytes: '200kb' } });
    const inner = cache.namespace('inner');
    await cache.set('k', 'outer');
    await inner.set('k', 'inner');
    expect([cache.peek('k'), inner.peek('k')]).toEqual(['outer', 'inner']);
    await inner.delete('k');
    expect([cache.peek('k'), inner.peek('k')]).toEqual(['outer', undefined]);
    for (let i = 0; i < 300; i++) {
      await (i % 2 === 0 ? cache : inner).set(`big${i}`, 'x'.repeat(2000));
      expect(cache.stats().memory?.bytes).toBeLessThanOrEqual(200 * 1024);
    }
    expect(cache.stats().memory?.evictions).toBeGreaterThan(100);
  });

  it('freeze what is shared, so that nobody changes what others read', async () => {
    const cache = await open();
    const mine = { list: [{ deep: 1 }] };
    await cache.set('k', mine);
    const read = (await cache.get<typeof mine>('k')) ?? { list: [] };
    expect(() => read.list.push({ deep: 2 })).toThrow(TypeError);
    expect(await cache.get('k')).toEqual({ list: [{ deep: 1 }] });

    const cloning = await open({ memory: { isolation: 'clone' } });
    const copy = (await cloning.get<typeof mine>('k')) ?? { list: [] };
    copy.list.push({ deep: 2 });
    const again = (await cloning.get<typeof mine>('k')) ?? { list: [] };
    again.list.push({ deep: 3 });
    expect(await cloning.get('k')).toEqual({ list: [{ deep: 1 }] });
  });

  it('keep out of memory what a call keeps out, and for no longer than it says', async () => {
    const cache = await open();
    await cache.set('never', 1, { memory: false });
    expect(cache.peek('never')).toBeUndefined();
    await cache.set('briefly', 1, { memory: '50ms' });
    expect(cache.peek('briefly')).toBe(1);
    await eventually('its end', () => cache.peek('briefly') === undefined, 1000);
    expect(await cache.get('briefly')).toBe(1);
  });
});
