import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BulkError, CacheClient, createCache, type CacheManager, type CacheOptions } from 'tiercel';
import { deferred } from '../../servers/deferred.js';
import { eventually } from '../support/eventually.js';
import { startRedis, type RedisServer } from '../support/redis.js';
import { FaultProxy } from 'tiercel/testing';

async function thrownBy(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    () => undefined,
    (error: unknown) => error,
  );
}

const failuresOf = (error: unknown): Array<readonly [string, string | undefined]> =>
  [...(error as BulkError).failures].map(([key, { code }]) => [key, code]);

describe('many keys at once, where Redis', () => {
  let server: RedisServer;
  const closers: Array<() => Promise<void>> = [];

  beforeEach(async () => {
    server = await startRedis();
  });
  afterEach(async () => {
    for (const close of closers.splice(0)) await close();
    await server.stop();
  });

  async function open(options: CacheOptions = {}, url = server.url): Promise<CacheManager> {
    const cache = createCache({ redis: { url, commandTimeout: '2s' }, namespace: 'n', ...options });
    closers.push(() => cache.close());
    await cache.ready();
    return cache;
  }

  const load = async (keys: readonly string[]): Promise<string[]> => keys.map((key) => `loaded ${key}`);
  const keys = Array.from({ length: 1000 }, (_, i) => `k${i}`);

  it('is gone: they are loaded, a bounded number at once, and nobody waits for anybody', async () => {
    const cache = await open({ maxLoads: 100 });
    await server.kill();
    await eventually('the loss', () => cache.stats().state !== 'ready');
    const sizes: number[] = [];
    const found = await cache.getOrSetMany(keys, (asked) => {
      sizes.push(asked.length);
      return load(asked);
    });
    expect([...found.keys()]).toEqual(keys);
    expect(found.get('k999')).toBe('loaded k999');
    expect(Math.max(...sizes)).toBeLessThanOrEqual(100);
    expect(await cache.getMany(['other'])).toEqual(new Map());
    const error = await thrownBy(cache.setMany([['other', 1]]));
    expect(error).toMatchObject({ code: 'TIERCEL_BULK', outcome: 'not-done' });
    expect(failuresOf(error)).toEqual([['other', 'TIERCEL_CONNECTION']]);
  });

  it('is silent: they are loaded after one deadline, and what was asked of it is unknown', async () => {
    const cache = await open({ redis: { url: server.url, commandTimeout: 250 } });
    await server.freeze();
    try {
      const began = performance.now();
      const [found, written, deleted] = await Promise.all([
        cache.getOrSetMany(['a', 'b'], load),
        thrownBy(cache.setMany([['c', 1]])),
        thrownBy(cache.deleteMany(['d', 'e'])),
      ]);
      expect(performance.now() - began).toBeLessThan(2000);
      expect(found.size).toBe(2);
      expect(written).toMatchObject({ code: 'TIERCEL_BULK', outcome: 'unknown' });
      expect(failuresOf(written)).toEqual([['c', 'TIERCEL_DEADLINE']]);
      for (const failure of (deleted as BulkError).failures.values()) {
        expect(failure).toMatchObject({
          code: 'TIERCEL_DEADLINE',
          outcome: 'unknown',
          operation: 'deleteMany',
        });
      }
    } finally {
      await server.thaw();
    }
  });

  it('is full: writes say so for each key, and what is loaded is passed on', async () => {
    const cache = await open();
    await cache.setMany([['a', 'old']]);
    await server.cli('CONFIG', 'SET', 'maxmemory', '1', 'maxmemory-policy', 'noeviction');
    const error = await thrownBy(
      cache.setMany([
        ['a', 'new'],
        ['b', 'new'],
      ]),
    );
    expect(error).toMatchObject({ outcome: 'not-done' });
    expect(failuresOf(error)).toEqual([
      ['a', 'TIERCEL_SERVER'],
      ['b', 'TIERCEL_SERVER'],
    ]);
    // The old value is not served here any more, although Redis could not be given the new one.
    expect(cache.peek('a')).toBeUndefined();
    expect((await cache.getOrSetMany(['a', 'b'], load)).get('b')).toBe('loaded b');
    await server.cli('CONFIG', 'SET', 'maxmemory', '0');
    await eventually('a fill', async () => {
      await cache.getOrSetMany(['c'], load);
      return cache.has('c');
    });
  });

  it('has something of another type under a key: only that key is treated so', async () => {
    const cache = await open();
    await server.cli('LPUSH', 'n::list', 'x');
    await cache.set('b', 'B');
    expect([...(await cache.getMany(['list', 'b']))]).toEqual([['b', 'B']]);
    expect([...(await cache.getOrSetMany(['list', 'b', 'c'], load)).values()]).toEqual([
      'loaded list',
      'B',
      'loaded c',
    ]);
    await eventually('the entry in its place', () => cache.has('list'));
    await server.cli('DEL', 'n::other');
    await server.cli('LPUSH', 'n::other', 'x');
    await cache.setMany([['other', 1]]);
    expect(await cache.get('other')).toBe(1);
  });

  it('allows the user some of the keys: the others fail, each by itself', async () => {
    await server.cli('ACL', 'SETUSER', 'ada', 'on', '>secret', '+@all', '~n::a*', '~%*');
    const url = server.url.replace('redis://', 'redis://ada:secret@');
    const cache = await open({ memory: false }, url);
    const error = await thrownBy(
      cache.setMany([
        ['a1', 1],
        ['b1', 1],
      ]),
    );
    expect(failuresOf(error)).toEqual([['b1', 'TIERCEL_AUTHENTICATION']]);
    expect(await cache.get('a1')).toBe(1);
    expect((await cache.getOrSetMany(['a2', 'b2'], load)).size).toBe(2);
  });

  describe('loses the connection between a write and its answer', () => {
    it('the write is done, and the error says that this is unknown', async () => {
      await using proxy = await FaultProxy.to(server.port);
      const cache = await open({ memory: false }, proxy.url);
      const client = await CacheClient.connect({ url: proxy.url, commandTimeout: '2s' }, { namespace: 'n' });
      closers.push(() => client.close());
      await cache.set('gone', 1);
      proxy.loseAnswers();
      const outcomes = [
        cache.set('a', 1),
        cache.setMany([
          ['b', 1],
          ['c', 1],
        ]),
        cache.delete('gone'),
        client.set('d', 1),
        client.setMany([['e', 1]]),
        client.delete('f'),
      ].map(thrownBy);
      await eventually(
        'the writes',
        async () => Number(await server.cli('EXISTS', 'n::a', 'n::b', 'n::c', 'n::d', 'n::e')) === 5,
      );
      expect(await server.cli('EXISTS', 'n::gone')).toBe(0);
      proxy.reset();
      for (const error of await Promise.all(outcomes)) {
        expect(error).toMatchObject({ outcome: 'unknown' });
        const each = error instanceof BulkError ? [...error.failures.values()] : [error];
        for (const failure of each)
          expect(failure).toMatchObject({ code: 'TIERCEL_CONNECTION', outcome: 'unknown' });
      }
    });

    it('what was not sent is known not to be done', async () => {
      const cache = await open();
      await server.kill();
      await eventually('the loss', () => cache.stats().state === 'lost');
      for (const call of [cache.set('a', 1), cache.delete('a'), cache.setMany([['a', 1]])]) {
        expect(await thrownBy(call)).toMatchObject({ outcome: 'not-done' });
      }
      expect(await thrownBy(cache.set('a', () => 1))).toMatchObject({
        code: 'TIERCEL_ENCODE',
        outcome: 'not-done',
      });
    });
  });

  describe('cannot be told to clear', () => {
    it('the call rejects, nothing of before is served here, and it is made up for', async () => {
      await using proxy = await FaultProxy.to(server.port);
      const cache = await open({ redis: { url: proxy.url, commandTimeout: 250 } });
      const other = await open();
      await cache.setMany(keys.slice(0, 10).map((key) => [key, 'old']));
      proxy.loseAnswers();
      expect(await thrownBy(cache.clear())).toMatchObject({ operation: 'clear', outcome: 'unknown' });
      expect(cache.peek('k1')).toBeUndefined();
      expect(await cache.getOrSet('k1', () => 'new')).toBe('new');
      expect(await cache.getMany(['k2'])).toEqual(new Map());
      proxy.reset();
      await eventually('the replay', async () => (await other.getMany(keys.slice(0, 10))).size === 0);
      await eventually('Redis once more', async () => {
        await cache.getOrSet('k3', () => 'newer');
        return other.has('k3');
      });
    });

    it('a load under way in another process is not stored once it could', async () => {
      const cache = await open();
      const other = await open();
      const began = deferred<undefined>();
      const finish = deferred<string>();
      const old = other.getOrSet('k', () => {
        began.resolve(undefined);
        return finish.promise;
      });
      await began.promise;
      await cache.clear();
      finish.resolve('old');
      expect(await old).toBe('old');
      await other.set('behind', 1);
      expect(await cache.get('k')).toBeUndefined();
      expect(other.peek('k')).toBeUndefined();
    });
  });
});

describe('many keys at once without Redis', () => {
  it('are kept in memory, loaded, set, deleted and cleared there', async () => {
    await using cache = createCache({ namespace: 'n' });
    const inner = cache.namespace('inner');
    await cache.setMany([
      ['a', 1],
      ['b', 2],
    ]);
    await inner.set('a', 'inner');
    const asked: string[][] = [];
    const found = await cache.getOrSetMany(['c', 'a', 'd'], async (keys) => {
      asked.push([...keys]);
      return keys.map(() => 0);
    });
    expect([...found]).toEqual([
      ['c', 0],
      ['a', 1],
      ['d', 0],
    ]);
    expect(asked).toEqual([['c', 'd']]);
    expect(await cache.deleteMany(['a', 'x'])).toBe(1);
    expect([...(await cache.getMany(['a', 'b', 'c']))]).toEqual([
      ['b', 2],
      ['c', 0],
    ]);
    const began = deferred<undefined>();
    const finish = deferred<string>();
    const old = cache.getOrSet('k', () => {
      began.resolve(undefined);
      return finish.promise;
    });
    await began.promise;
    await cache.clear();
    finish.resolve('old');
    await old;
    expect((await cache.getMany(['b', 'c', 'k'])).size).toBe(0);
    expect(await inner.get('a')).toBe('inner');
  });
});
