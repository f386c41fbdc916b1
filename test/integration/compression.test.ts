import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { CacheClient, createCache, type CacheManager } from 'tiercel';
import { eventually } from '../support/eventually.js';
import { Opened, PATIENT } from '../support/open-cache.js';
import { redisCli } from '../support/redis-cli.js';
import { sharedRedisUrl, uniquePrefix } from '../support/redis.js';

const small = { text: 'compressed in the turn it is asked for '.repeat(50) };
const large = (mark: string): { mark: string; text: string } => ({
  mark,
  text: 'compressed by another thread '.repeat(4000),
});

describe('compressed values in Redis', () => {
  const namespace = uniquePrefix();
  const suite = new Opened();
  const redis = { url: sharedRedisUrl(), ...PATIENT };
  const cli = redisCli(sharedRedisUrl());
  let cache: CacheManager;
  let other: CacheManager;
  let client: CacheClient;

  beforeAll(async () => {
    cache = createCache({ redis, namespace, compression: true });
    suite.add(() => cache.close());
    // Reading needs no option.
    other = createCache({ redis, namespace });
    suite.add(() => other.close());
    client = await CacheClient.connect(redis, { namespace, compression: { algorithm: 'brotli' } });
    suite.add(() => client.close());
    await cache.ready();
    await other.ready();
  });
  afterAll(() => suite.close());

  it.each([
    ['small', small],
    ['large', large('a')],
  ])('of a cache come back, %s ones too, by every way to read', async (what, value) => {
    const keys = [`set ${what}`, `loaded ${what}`] as const;
    await cache.set(keys[0], value);
    expect(await cache.getOrSet<unknown>(keys[1], () => value)).toEqual(value);
    await eventually('the fill', () => other.has(keys[1]));
    for (const key of keys) {
      expect(await cli.bytes(`${namespace}::${key}`).then((entry) => entry.length)).toBeLessThan(1500);
      expect(await client.get(key)).toEqual(value);
      expect((await other.getEntry(key))?.value).toEqual(value);
      expect(await other.getOrSet<unknown>(key, () => 'loaded again')).toEqual(value);
    }
    expect(await client.getMany(keys)).toEqual(new Map(keys.map((key) => [key, value])));
    expect(await client.expire(keys[0], '1h')).toBe(true);
    expect(await client.get(keys[0])).toEqual(value);
    expect(await client.ttl(keys[0])).toBeGreaterThan(3_500_000);
  });

  it('of a client come back, alone and together', async () => {
    const values = new Map<string, unknown>([
      ['c1', large('1')],
      ['c2', 'short'],
      ['c3', large('3')],
    ]);
    await client.setMany(values);
    await client.set('c4', large('4'));
    expect(await client.getMany(['c1', 'c2', 'c3'])).toEqual(values);
    expect(await other.get('c4')).toEqual(large('4'));
  });

  it('are read once for however many ask, and loaded by nobody', async () => {
    await client.set('shared', large('s'));
    const load = vi.fn(() => large('loaded'));
    const answers = await Promise.all(Array.from({ length: 50 }, () => other.getOrSet('shared', load)));
    expect(new Set(answers).size).toBe(1);
    expect(answers[0]).toEqual(large('s'));
    expect(load).not.toHaveBeenCalled();
    expect(other.peek('shared')).toEqual(large('s'));
  });

  it('are never served from memory after a write that overtook the read of the old one', async () => {
    for (let round = 0; round < 20; round++) {
      await client.set('raced', large('old'));
      const reads: Array<Promise<unknown>> = [cache.get('raced')];
      const written = cache.set('raced', large('new'));
      for (let i = 0; i < 5; i++) {
        await new Promise((resolve) => setImmediate(resolve));
        reads.push(cache.get('raced'));
      }
      await Promise.all([...reads, written]);
      expect(cache.peek<{ mark: string }>('raced')?.mark ?? 'new').toBe('new');
      expect(await cache.get('raced')).toMatchObject({ mark: 'new' });
      await client.delete('raced');
      await eventually('the news', () => cache.peek('raced') === undefined);
    }
  });

  it('that were damaged are a miss, and are loaded', async () => {
    await client.set('damaged', large('x'));
    const entry = await cli.bytes(`${namespace}::damaged`);
    entry[entry.length - 3] = (entry[entry.length - 3] ?? 0) ^ 1;
    await cli.raw('SET', `${namespace}::damaged`, entry);
    expect(await other.getOrSet('damaged', () => 'loaded')).toBe('loaded');
  });

  it('are an option of a namespace, a resource and a call', async () => {
    const length = async (key: string): Promise<number> => (await cli.bytes(key)).length;
    const part = other.namespace('part', { compression: { algorithm: 'deflate', threshold: '100b' } });
    await part.set('k', small);
    const things = other.resource('thing', { load: () => small, compression: true });
    await things.get(1);
    await things.set(2, small);
    await other.set('call', small, { compression: true });
    await other.set('none', small);
    await eventually('the fill', () => other.has('thing:1'));
    for (const key of [':part::k', '::thing:1', '::thing:2', '::call']) {
      expect(await length(namespace + key)).toBeLessThan(300);
    }
    expect(await length(`${namespace}::none`)).toBeGreaterThan(1900);
    await part.set('k2', small, { compression: false });
    expect(await length(`${namespace}:part::k2`)).toBeGreaterThan(1900);
  });
});
