import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { createCache, type CacheManager, type CacheOptions } from 'tiercel';
import { deferred } from '../../servers/deferred.js';
import { eventually } from '../support/eventually.js';
import { CacheChild } from '../support/load-in-child.js';
import { startRedis, type RedisServer } from '../support/redis.js';

/** For what the machine does besides. */
const SLACK = 400;

describe('P1 one load, over all processes', () => {
  let server: RedisServer;
  const caches: CacheManager[] = [];

  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.stop());
  afterEach(async () => {
    for (const cache of caches.splice(0)) await cache.close();
    await server.cli('FLUSHALL');
  });

  async function open(options: CacheOptions = {}): Promise<CacheManager> {
    const cache = createCache({
      redis: { url: server.url, commandTimeout: '2s' },
      namespace: 'fleet',
      ...options,
    });
    caches.push(cache);
    await cache.ready();
    return cache;
  }

  /** A fleet need not be of one piece. */
  const ways = [
    'a URL by tracking',
    '@redis/client by broadcast',
    'ioredis 6 by broadcast',
    'ioredis 5 by broadcast',
  ];

  describe('with four processes, each with a client of another kind', () => {
    let children: CacheChild[];
    beforeAll(async () => {
      children = await Promise.all(ways.map((way) => CacheChild.start(server.url, way)));
    });
    afterAll(() => {
      for (const child of children) child.kill();
    });

    it('of 250 callers each, one load runs and all have its value soon after it ends', async () => {
      const reports = await Promise.all(
        children.map((child) => child.do({ key: 'cold', callers: 250, takes: 50 })),
      );
      expect(reports.reduce((sum, { loads }) => sum + loads, 0)).toBe(1);
      expect(new Set(reports.flatMap(({ values }) => values)).size).toBe(1);
      const times = reports.flatMap((report) => report.times).toSorted((a, b) => a - b);
      expect(times).toHaveLength(1000);
      expect(times[989]).toBeLessThan(50 + SLACK);
    });

    it('a holder that is killed is replaced when its lease runs out', async () => {
      const [holder, ...others] = children as [CacheChild, ...CacheChild[]];
      const options = { lease: 400 } as const;
      await holder.begin({ key: 'orphan', callers: 1, takes: 60_000, options });
      const began = performance.now();
      holder.kill();
      const reports = await Promise.all(
        others.map((child) => child.do({ key: 'orphan', callers: 20, takes: 20, options })),
      );
      expect(performance.now() - began).toBeLessThan(400 + 20 + SLACK);
      expect(reports.reduce((sum, { loads }) => sum + loads, 0)).toBe(1);
    });
  });

  it('a load that takes longer than its lease is not begun a second time', async () => {
    const [here, there] = await Promise.all([open(), open()]);
    const go = deferred<undefined>();
    let loads = 0;
    const load = async (): Promise<string> => {
      loads++;
      await go.promise;
      return 'v';
    };
    // Lengthened every 100 ms, by a process that may have to wait for its turn.
    const options = { lease: 300 } as const;
    const first = here.getOrSet('slow', load, options);
    await eventually('the load', () => loads === 1);
    const second = there.getOrSet('slow', load, options);
    // Six times the lease passes.
    const began = performance.now();
    await eventually('time', async () => performance.now() > began + 1800);
    expect(loads).toBe(1);
    go.resolve(undefined);
    expect(await Promise.all([first, second])).toEqual(['v', 'v']);
    expect(loads).toBe(1);
  });

  it('an entry that Redis drops while its successor is loaded does not bring about another load', async () => {
    const [here, there] = await Promise.all([open(), open()]);
    const options = { ttl: 200, jitter: 0 } as const;
    // Its age counts from here, and its life in Redis from the end of the load.
    let began = 0;
    const after = (ms: number): Promise<unknown> =>
      eventually('time', () => performance.now() >= began + ms, 5000);
    const slowly = async (): Promise<unknown> => {
      began = performance.now();
      return after(150);
    };
    await here.getOrSet('k', slowly, options);
    await eventually('the fill', async () => {
      // The third byte of an entry says whether it is a lease; see docs/format.md.
      const flags = await server.cli('GETRANGE', 'fleet::k', '2', '2');
      return flags !== '' && (String(flags).charCodeAt(0) & 1) === 0;
    });
    await after(220);
    const go = deferred<undefined>();
    let loads = 0;
    const load = async (): Promise<string> => {
      loads++;
      await go.promise;
      return 'v';
    };
    const first = here.getOrSet('k', load, options);
    await eventually('the load', () => loads === 1);
    await after(600);
    const second = there.getOrSet('k', load, options);
    await there.get('any');
    await after(700);
    expect(loads).toBe(1);
    go.resolve(undefined);
    expect(await Promise.all([first, second])).toEqual(['v', 'v']);
  });

  it('a refresh that outlasts what it replaces is joined by no other load', async () => {
    const [here, there] = await Promise.all([open(), open()]);
    // So eager that each read of it brings about a refresh.
    const options = { ttl: 1500, jitter: 0, earlyRefresh: 100 } as const;
    using _ = vi.spyOn(Math, 'random').mockReturnValue(0.5);
    const began = performance.now();
    const after = (ms: number): Promise<unknown> =>
      eventually('time', () => performance.now() >= began + ms, 5000);
    await here.getOrSet('k', () => after(200).then(() => 'old'), options);
    await eventually('the fill', async () => (await there.get('k')) === 'old');
    // Redis keeps it for as long as its load took, too; that the machine is slow is not to matter.
    await server.cli('PEXPIRE', 'fleet::k', '60000');
    await eventually('news of that', () => here.peek('k') === undefined);
    const go = deferred<undefined>();
    let loads = 0;
    const load = async (): Promise<string> => {
      loads++;
      await go.promise;
      return 'new';
    };
    // An entry is as old as its load: what comes of this one is to be of use at the end.
    await after(1000);
    expect(await here.getOrSet('k', load, options)).toBe('old');
    await eventually('the refresh', () => loads === 1);
    await after(1600);
    const other = there.getOrSet('k', load, options);
    await there.get('any');
    await after(1800);
    expect(loads).toBe(1);
    go.resolve(undefined);
    expect(await other).toBe('new');
    expect(loads).toBe(1);
  });

  it('a load that fails tells its own callers, and another process may try', async () => {
    const [here, there] = await Promise.all([open(), open()]);
    const fail = deferred<undefined>();
    const failing = async (): Promise<string> => {
      await fail.promise;
      throw new Error('the database is away');
    };
    const asked = Array.from({ length: 10 }, () =>
      here.getOrSet('bad', failing).catch((error: unknown) => error),
    );
    await eventually('the lease', async () => (await server.cli('EXISTS', 'fleet::bad')) === 1);
    const other = there.getOrSet('bad', async () => 'v');
    fail.resolve(undefined);
    for (const error of await Promise.all(asked))
      expect(error).toMatchObject({ message: 'the database is away' });
    expect(await other).toBe('v');
  });

  it('a lease is no value: nothing takes it for one', async () => {
    const [here, there] = await Promise.all([open(), open()]);
    const go = deferred<undefined>();
    const loading = here.getOrSet('k', async () => {
      await go.promise;
      return 1;
    });
    await eventually('the lease', async () => (await server.cli('EXISTS', 'fleet::k')) === 1);
    expect(await there.has('k')).toBe(false);
    expect(await there.ttl('k')).toBeUndefined();
    expect(await there.get('k')).toBeUndefined();
    expect(await there.getMany(['k'])).toEqual(new Map());
    expect(await there.getEntry('k')).toBeUndefined();
    go.resolve(undefined);
    await loading;
  });
});
