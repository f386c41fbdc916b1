import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { CacheClient, createCache, type CacheManager, type CacheOptions } from 'tiercel';
import { eventually } from '../support/eventually.js';
import { Opened, PATIENT } from '../support/open-cache.js';
import { redisCli } from '../support/redis-cli.js';
import { sharedRedisUrl, uniquePrefix } from '../support/redis.js';

const user = (id: number): Record<string, unknown> => ({
  id,
  mail: `user${id}@mail.example.org`,
  city: ['Somewhere', 'Elsewhere', 'Nowhere'][id % 3],
  bio: `likes ${['long', 'short', 'other'][id % 3]} walks and short functions, and writes of both`,
});
const json = JSON.stringify(user(1000)).length;

describe('a dictionary in Redis', () => {
  const suite = new Opened();
  const test = new Opened();
  const redis = { url: sharedRedisUrl(), ...PATIENT };
  const cli = redisCli(sharedRedisUrl());
  afterEach(() => test.close());
  afterAll(() => suite.close());

  async function newProcess(namespace: string, options: CacheOptions = {}): Promise<CacheManager> {
    const cache = createCache({ redis, namespace, ...options });
    test.add(() => cache.close());
    await cache.ready();
    return cache;
  }
  const length = async (key: string): Promise<number> => (await cli.bytes(key)).length;

  it('is learnt from the values of a resource, and read by processes that know nothing of it', async () => {
    const namespace = uniquePrefix();
    const cache = await newProcess(namespace);
    const users = cache.resource('user', { load: user, compression: { dictionary: true } });
    for (let id = 0; id < 200; id++) await users.set(id, user(id));
    await eventually('the dictionary', async () => {
      await users.set(1000, user(1000));
      return (await length(`${namespace}::user:1000`)) < 0.6 * json;
    });
    expect(await cli.text('GET', `${namespace}:%dict::user`)).toMatch(/^[0-9a-f]{16}$/);

    const other = await newProcess(namespace);
    expect(await other.get('user:1000')).toEqual(user(1000));
    const client = await CacheClient.connect(redis, { namespace });
    test.add(() => client.close());
    const keys = Array.from({ length: 200 }, (_, id) => `user:${id}`);
    expect((await client.getMany(keys)).size).toBe(200);
    expect(client.stats().counters.errors).toBe(0);

    // A writer that begins later takes over what there is.
    const later = await newProcess(namespace);
    const same = later.resource('user', { load: user, compression: { dictionary: true } });
    await eventually('the same dictionary', async () => {
      await same.set(1001, user(1001));
      return (await length(`${namespace}::user:1001`)) < 0.6 * json;
    });
    expect(await users.get(1001)).toEqual(user(1001));
  });

  it('belongs to a namespace, or to all who name it', async () => {
    const namespace = uniquePrefix();
    const cache = await newProcess(namespace, { compression: { dictionary: 'people' } });
    const part = cache.namespace('part', { compression: { dictionary: true } });
    for (let id = 0; id < 201; id++) {
      await cache.set(`a${id}`, user(id));
      await part.set(`b${id}`, user(id));
    }
    await eventually('both', async () => {
      await Promise.all([cache.set('a', user(1)), part.set('b', user(1))]);
      return (
        (await cli.raw('EXISTS', `${namespace}:%dict::people`)) === 1 &&
        (await cli.raw('EXISTS', `${namespace}:part:%dict::`)) === 1
      );
    });
  });

  it('that was removed is made again', async () => {
    const namespace = uniquePrefix();
    const make = async (): Promise<void> => {
      const cache = await newProcess(namespace, { compression: { dictionary: true } });
      for (let id = 0; id < 201; id++) await cache.set(`k${id}`, user(id));
      await eventually('the dictionary', async () => {
        await cache.set('k', user(1000));
        return (await length(`${namespace}::k`)) < 0.6 * json;
      });
    };
    await make();
    const keys = (await cli.raw('KEYS', `${namespace}:%*`)) as Buffer[];
    await cli.raw('DEL', ...keys);
    await make();
    expect(await (await newProcess(namespace)).get('k')).toEqual(user(1000));
  });
});
