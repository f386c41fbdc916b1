import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CacheClient, createCache, type CacheManager } from 'tiercel';
import { eventually } from '../support/eventually.js';
import { Opened, PATIENT } from '../support/open-cache.js';
import { sharedRedisUrl, uniquePrefix } from '../support/redis.js';
import { anyKey, storable } from '../support/values.js';

class Point {
  readonly x: number;
  constructor(x: number) {
    this.x = x;
  }
}

describe('P8 fidelity: what goes in comes out', () => {
  const namespace = uniquePrefix();
  const suite = new Opened();
  let client: CacheClient;
  let reader: CacheClient;
  let cache: CacheManager;

  beforeAll(async () => {
    const redis = { url: sharedRedisUrl(), ...PATIENT };
    client = await CacheClient.connect(redis, { namespace });
    suite.add(() => client.close());
    // Another process has nothing but the bytes in Redis.
    reader = await CacheClient.connect(redis, { namespace });
    suite.add(() => reader.close());
    cache = createCache({ redis, namespace });
    suite.add(() => cache.close());
  });
  afterAll(() => suite.close());

  it.each<[what: string, value: unknown]>([
    ['null', null],
    ['zero', 0],
    ['false', false],
    ['the empty string', ''],
    ['an empty array', []],
    ['an empty object', {}],
    ['NaN', NaN],
    ['Infinity', -Infinity],
    ['a large integer', Number.MAX_SAFE_INTEGER],
    ['a BigInt', 123_456_789_012_345_678_901_234_567_890n],
    ['a BigInt of 64 bits', -(2n ** 63n)],
    ['a Date', new Date('2026-02-29T12:34:56.789Z')],
    ['a Date before the epoch', new Date(-1)],
    [
      'a Map',
      new Map<unknown, unknown>([
        [1, 'one'],
        ['1', 'text'],
        [new Date(0), new Set([1])],
      ]),
    ],
    ['a Set', new Set([1, '1', null])],
    ['a Buffer', Buffer.from([0, 255, 10, 13])],
    ['an empty Buffer', Buffer.alloc(0)],
    ['a Uint8Array', new Uint8Array([1, 2, 3])],
    ['a Float64Array', new Float64Array([1.5, -0.1])],
    ['a BigUint64Array', new BigUint64Array([2n ** 64n - 1n])],
    ['text with every kind of character', 'a\0\r\n"\\é😀\u2028ﬀ'],
    ['long text', 'äöü😀'.repeat(50_000)],
    ['nested values', { list: [{ when: new Date(1), big: 1n, none: null, map: new Map([['k', [1]]]) }] }],
    ['an array with undefined in it', [1, undefined, 3]],
  ])('%s', async (what, value) => {
    await client.set(what, value);
    expect(await reader.get(what)).toStrictEqual(value);
    expect(await cache.get(what)).toStrictEqual(value);
    expect(await reader.getMany([what])).toStrictEqual(new Map([[what, value]]));
    expect(await cache.getOrSet<unknown>(what, () => 'loaded')).toStrictEqual(value);
    expect(await cache.has(what)).toBe(true);
  });

  it('a Buffer and a typed array come back as their own class', async () => {
    await client.set('classes', [Buffer.from('a'), new Uint8Array(1), new Int16Array(1)]);
    const back = await reader.getOrThrow<[unknown, unknown, unknown]>('classes');
    expect(back.map((value) => (value as object).constructor.name)).toEqual([
      'Buffer',
      'Uint8Array',
      'Int16Array',
    ]);
  });

  it('what is brought back does not share memory with anything', async () => {
    await client.set('memory', Buffer.from('abc'));
    const [one, other] = await Promise.all([
      reader.getOrThrow<Buffer>('memory'),
      reader.getOrThrow<Buffer>('memory'),
    ]);
    one.fill(0);
    expect(String(other)).toBe('abc');
    expect(String(await reader.get('memory'))).toBe('abc');
  });

  it('any storable value, by any key', async () => {
    await fc.assert(
      fc.asyncProperty(anyKey, storable, async (key, value) => {
        await client.set(key, value);
        expect(await reader.get(key)).toStrictEqual(value);
      }),
      { numRuns: 500 },
    );
  });

  it('any storable value, by way of a load', async () => {
    await fc.assert(
      fc.asyncProperty(anyKey, storable, async (key, value) => {
        await cache.delete(key);
        expect(await cache.getOrSet<unknown>(key, () => value)).toStrictEqual(value);
        await eventually('the fill', () => reader.exists(key));
        expect(await reader.get(key)).toStrictEqual(value);
      }),
      { numRuns: 200 },
    );
  });

  it('undefined is a miss, and nothing else is', async () => {
    expect(await client.get('nobody')).toBeUndefined();
    await expect(client.set('nobody', undefined)).rejects.toMatchObject({ code: 'TIERCEL_ENCODE' });
    expect(await client.exists('nobody')).toBe(false);
  });

  it('different keys never collide, however alike they are', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(anyKey, { minLength: 2, maxLength: 50 }), async (keys) => {
        const fresh = client.namespace(uniquePrefix());
        const values = new Map(keys.map((key, i) => [key, i]));
        await fresh.setMany(values, { ttl: '1m' });
        expect(await fresh.getMany(keys)).toEqual(values);
        const [first = '', ...others] = keys;
        await fresh.delete(first);
        expect((await fresh.getMany(keys)).size).toBe(others.length);
      }),
      { numRuns: 100 },
    );
  });

  it('an instance of a class loses its class in Redis, not its content', async () => {
    await client.set('point', new Point(3));
    expect(await reader.get('point')).toEqual({ x: 3 });
  });
});
