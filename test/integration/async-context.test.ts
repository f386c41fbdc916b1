import { AsyncLocalStorage } from 'node:async_hooks';
import { afterAll, describe, expect, it } from 'vitest';
import { Opened } from '../support/open-cache.js';
import { waysToRedis } from '../support/clients.js';
import { sharedRedisUrl, uniquePrefix } from '../support/redis.js';

const tenant = new AsyncLocalStorage<string>();

describe('the asynchronous context of a loader', () => {
  const opened = new Opened();
  afterAll(() => opened.close());

  it.each(waysToRedis)(
    'is that of the caller it loads for, whoever else asks in that turn: $name',
    async (way) => {
      const cache = await opened.cache(way, sharedRedisUrl(), { namespace: uniquePrefix() });
      const ask = (name: string): Promise<string | undefined> =>
        tenant.run(name, () => cache.getOrSet(`profile of ${name}`, () => tenant.getStore()));
      const names = ['ada', 'grace', 'barbara'];
      expect(await Promise.all(names.map(ask))).toEqual(names);
    },
  );

  it('is that of the caller where one loads many, whoever else reads in that turn', async () => {
    const [way] = waysToRedis;
    if (!way) throw new Error('there is no way to Redis');
    const cache = await opened.cache(way, sharedRedisUrl(), { namespace: uniquePrefix() });
    const ask = (name: string): Promise<Map<string, string | undefined>> =>
      tenant.run(name, () =>
        cache.getOrSetMany([`${name} 1`, `${name} 2`], (keys) =>
          keys.map(() => tenant.getStore() ?? 'nobody'),
        ),
      );
    const names = ['ada', 'grace', 'barbara'];
    const answers = await Promise.all(names.map(ask));
    expect(answers.map((found) => [...found.values()])).toEqual(names.map((name) => [name, name]));
  });

  it('is that of the caller who began a load that others share', async () => {
    const [way] = waysToRedis;
    if (!way) throw new Error('there is no way to Redis');
    const cache = await opened.cache(way, sharedRedisUrl(), { namespace: uniquePrefix() });
    const ask = (name: string): Promise<string | undefined> =>
      tenant.run(name, () => cache.getOrSet('common', () => tenant.getStore()));
    expect(await Promise.all(['ada', 'grace'].map(ask))).toEqual(['ada', 'ada']);
  });
});
