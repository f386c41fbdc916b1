import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { CacheManager } from 'tiercel';
import { deferred } from '../../servers/deferred.js';
import { eventually } from '../support/eventually.js';
import { Opened } from '../support/open-cache.js';
import { startRedis, type RedisServer } from '../support/redis.js';
import { waysOfEachKind } from '../support/ways-to-hear.js';

describe.each(waysOfEachKind)('P1 one load, over $name', (way) => {
  let server: RedisServer;
  const opened = new Opened();

  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.stop());
  afterEach(async () => {
    await opened.close();
    await server.cli('FLUSHALL');
  });

  const open = (): Promise<CacheManager> =>
    opened.cache(way, server.url, { namespace: 'fleet', coherence: way.coherence });

  it('of the callers of three caches one loads, and all have its value', async () => {
    const caches = await Promise.all([open(), open(), open()]);
    let loads = 0;
    const go = deferred<undefined>();
    const load = async (): Promise<number> => {
      await go.promise;
      return ++loads;
    };
    const asked = caches.flatMap((cache) => Array.from({ length: 50 }, () => cache.getOrSet('cold', load)));
    await eventually(
      'two that wait',
      () => caches.filter((cache) => cache.stats().counters.leaseWaits > 0).length >= 2,
    );
    go.resolve(undefined);
    expect(new Set(await Promise.all(asked))).toEqual(new Set([1]));
    expect(loads).toBe(1);
  });

  it('a load that takes longer than its lease is run once, and stored', async () => {
    const [here, there] = await Promise.all([open(), open()]);
    let loads = 0;
    const go = deferred<undefined>();
    const load = async (): Promise<string> => {
      loads++;
      await go.promise;
      return 'v';
    };
    const options = { lease: 240 } as const;
    const first = here.getOrSet('slow', load, options);
    await eventually('the load', () => loads === 1);
    const second = there.getOrSet('slow', load, options);
    const began = performance.now();
    await eventually('more time than the lease has', () => performance.now() > began + 300);
    go.resolve(undefined);
    expect(await Promise.all([first, second])).toEqual(['v', 'v']);
    expect(loads).toBe(1);
    expect(await (await open()).get('slow')).toBe('v');
  });

  it('a load that fails gives its lease back, and another process may try at once', async () => {
    const [here, there] = await Promise.all([open(), open()]);
    const fail = deferred<undefined>();
    const failing = here
      .getOrSet('bad', async () => {
        await fail.promise;
        throw new Error('the database is away');
      })
      .catch((error: Error) => error.message);
    await eventually(
      'the lease',
      async () => (await server.cli('EXISTS', `${way.keyPrefix}fleet::bad`)) === 1,
    );
    const other = there.getOrSet('bad', async () => 'v');
    fail.resolve(undefined);
    expect(await failing).toBe('the database is away');
    expect(await other).toBe('v');
  });
});
