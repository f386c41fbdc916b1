import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { CacheClient, createCache, type CacheManager } from 'tiercel';
import { eventually } from '../support/eventually.js';
import { Opened, PATIENT } from '../support/open-cache.js';
import { redisCli } from '../support/redis-cli.js';
import { sharedRedisUrl, uniquePrefix } from '../support/redis.js';

/** What stands in Redis under a key of ours although it is no entry, and how it gets there. */
describe('under a key in Redis', () => {
  const namespace = uniquePrefix();
  const suite = new Opened();
  let client: CacheClient;
  let cache: CacheManager;
  const cli = redisCli(sharedRedisUrl());

  beforeAll(async () => {
    client = await CacheClient.connect({ url: sharedRedisUrl(), ...PATIENT }, { namespace });
    suite.add(() => client.close());
    cache = createCache({ redis: { url: sharedRedisUrl(), ...PATIENT }, namespace });
    suite.add(() => cache.close());
  });
  afterAll(() => suite.close());

  const changed =
    (change: (entry: Buffer) => Buffer) =>
    async (key: string): Promise<void> => {
      await client.set(key, { name: 'Ada', age: 36 });
      const redisKey = `${namespace}::${key}`;
      await cli.raw('SET', redisKey, change(await cli.bytes(redisKey)));
    };
  const flipped = (at: (entry: Buffer) => number) =>
    changed((entry) => {
      const copy = Buffer.from(entry);
      const i = at(entry);
      copy[i] = (copy[i] ?? 0) ^ 0x10;
      return copy;
    });
  const foreign = (text: string | Buffer) => async (key: string) =>
    cli.raw('SET', `${namespace}::${key}`, text);

  const cases: ReadonlyArray<[what: string, put: (key: string) => Promise<unknown>]> = [
    ['plain text', foreign('hello')],
    ['JSON', foreign('{"a":1}')],
    ['an empty string', foreign('')],
    ['one byte that looks like ours', foreign(Buffer.from([0xc1]))],
    ['an entry cut to its header', changed((entry) => entry.subarray(0, 22))],
    ['an entry cut within its header', changed((entry) => entry.subarray(0, 15))],
    ['an entry without its last byte', changed((entry) => entry.subarray(0, -1))],
    ['an entry with a byte more', changed((entry) => Buffer.concat([entry, Buffer.from([0])]))],
    ['an entry with a flipped bit in its header', flipped(() => 17)],
    ['an entry with a flipped bit in its payload', flipped((entry) => entry.length - 3)],
    [
      'an entry of a later format',
      changed((entry) => Buffer.concat([entry.subarray(0, 1), Buffer.from([2]), entry.subarray(2)])),
    ],
    ['a list', async (key) => cli.raw('RPUSH', `${namespace}::${key}`, 'a')],
    ['a hash', async (key) => cli.raw('HSET', `${namespace}::${key}`, 'a', 'b')],
  ];

  it.each(cases)('%s is a miss and is counted', async (what, put) => {
    const key = `get ${what}`;
    await put(key);
    client.metrics.reset();
    expect(await client.get(key)).toBeUndefined();
    expect(client.stats().counters).toMatchObject({ hits: 0, misses: 1, errors: 1 });
  });

  it.each(cases)('%s does not disturb the other keys of a bulk read', async (what, put) => {
    const [good, bad] = [`good ${what}`, `bad ${what}`];
    await client.set(good, 1);
    await put(bad);
    client.metrics.reset();
    expect(await client.getMany([bad, good])).toEqual(new Map([[good, 1]]));
    expect(client.stats().counters).toMatchObject({ hits: 1, misses: 1 });
  });

  it.each(cases)('%s is loaded anew and replaced', async (what, put) => {
    const key = `load ${what}`;
    await put(key);
    const load = vi.fn(() => 'loaded');
    expect(await cache.getOrSet(key, load)).toBe('loaded');
    await eventually('the fill', async () => (await client.get(key)) === 'loaded');
    expect(await cache.getOrSet(key, load)).toBe('loaded');
    expect(load).toHaveBeenCalledOnce();
  });

  it.each(cases)('%s is given no longer life, and is not destroyed by the attempt', async (what, put) => {
    const key = `expire ${what}`;
    await put(key);
    const before = await cli.raw('DUMP', `${namespace}::${key}`);
    const outcome: unknown = await client.expire(key, '1h').catch((error: unknown) => error);
    if (outcome !== false)
      expect(outcome).toMatchObject({ code: 'TIERCEL_SERVER', operation: 'expire', key });
    expect(await cli.raw('DUMP', `${namespace}::${key}`)).toEqual(before);
  });

  it.each(cases)('%s can be overwritten and deleted', async (what, put) => {
    const key = `write ${what}`;
    await put(key);
    await client.set(key, 'mine');
    expect(await client.get(key)).toBe('mine');
    await client.delete(key);
    await put(key);
    expect(await client.delete(key)).toBe(true);
  });

  it('every entry cut short anywhere is a miss', async () => {
    await client.set('whole', { a: 'some text', b: [1, 2, 3] }, { ttl: '1h' });
    const entry = await cli.bytes(`${namespace}::whole`);
    const keys: string[] = [];
    for (let length = 0; length < entry.length; length++) {
      keys.push(`cut ${length}`);
      await foreign(entry.subarray(0, length))(`cut ${length}`);
    }
    expect(await client.getMany(keys)).toEqual(new Map());
  });
});
