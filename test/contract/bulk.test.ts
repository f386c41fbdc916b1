import { setImmediate } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { BulkError, type CacheManager } from 'tiercel';
import { deferred } from '../../servers/deferred.js';
import { waysToCluster, waysToRedis, type WayToRedis } from '../support/clients.js';
import { eventually } from '../support/eventually.js';
import { Opened } from '../support/open-cache.js';
import { placeOf } from '../support/place.js';
import { redisCli, type RedisCli } from '../support/redis-cli.js';
import { uniquePrefix } from '../support/redis.js';

/** Says `the value of` each key, and notes what it was asked for. */
function loaderOfMany(): { asked: string[][]; load: (keys: readonly string[]) => Promise<string[]> } {
  const asked: string[][] = [];
  const load = async (keys: readonly string[]): Promise<string[]> => {
    asked.push([...keys]);
    return keys.map((key) => `the value of ${key}`);
  };
  return { asked, load };
}

async function bulkError(call: Promise<unknown>): Promise<BulkError> {
  const error: unknown = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof BulkError) return error;
  throw new Error('expected a BulkError', { cause: error });
}

describe.each([...waysToRedis, ...waysToCluster])('many keys at once over $name', (way: WayToRedis) => {
  const opened = new Opened();
  let cli: RedisCli;
  let url: string;
  let root: string;
  let prefix: string;
  let here: CacheManager;
  let there: CacheManager;

  beforeAll(async () => {
    url = await placeOf(way);
    cli = redisCli(url);
  });
  beforeEach(async () => {
    root = uniquePrefix();
    prefix = `${root}::`;
    const options = { namespace: root, ttl: '1h', jitter: 0 } as const;
    [here, there] = await Promise.all([opened.cache(way, url, options), opened.cache(way, url, options)]);
  });
  beforeEach(async () => {
    // Each connection is made by the first key that needs it, and what was learned before that is forgotten.
    const keys = Array.from({ length: 50 }, (_, i) => `warm:${i}`);
    await Promise.all([here.getMany(keys), there.getMany(keys)]);
  });
  afterEach(() => opened.close());
  afterAll(() => opened.close());

  /** Whether this way keeps anything in memory. */
  const keeps = (): boolean => here.stats().memory !== undefined;

  describe('getMany', () => {
    it('finds values of memory and of Redis, in the order asked, each key once', async () => {
      await there.setMany([
        ['a', 1],
        ['b', null],
        ['c', { of: 'c' }],
      ]);
      await here.get('c');
      expect([...(await here.getMany(['c', 'none', 'b', 'a', 'c']))]).toEqual([
        ['c', { of: 'c' }],
        ['b', null],
        ['a', 1],
      ]);
    });

    it('keeps in memory what it found, until somebody changes it', async () => {
      if (!keeps()) return;
      await there.setMany([
        ['a', 1],
        ['b', 2],
      ]);
      // News of the writes may come late where they are heard by a connection apart.
      await eventually('copies', async () => {
        await here.getMany(['a', 'b']);
        return here.peek('a') === 1 && here.peek('b') === 2;
      });
      await cli.text('DEL', `${prefix}a`);
      await eventually('the change', () => here.peek('a') === undefined);
      expect(here.peek('b')).toBe(2);
    });

    it('leaves out leases, entries of invalidated tags, and what is of another type', async () => {
      const began = deferred<undefined>();
      const finish = deferred<number>();
      const loading = there.getOrSet('lease', () => {
        began.resolve(undefined);
        return finish.promise;
      });
      await began.promise;
      await there.setMany([['plain', 1]]);
      await eventually('a tagged entry', async () => {
        await there.set('tagged', 1, { tags: ['t'] });
        return here.has('tagged');
      });
      await there.invalidateTags(['t']);
      await cli.text('LPUSH', `${prefix}list`, 'x');
      expect([...(await here.getMany(['lease', 'tagged', 'list', 'plain']))]).toEqual([['plain', 1]]);
      expect(await here.get('list')).toBeUndefined();
      finish.resolve(1);
      await loading;
    });

    it('serves what is stale as long as it may be', async () => {
      await there.set('k', 'stale', { ttl: 1, staleWhileRevalidate: '1h' });
      const options = { staleWhileRevalidate: '1h' } as const;
      const lenient = await opened.cache(way, url, { namespace: root, ...options });
      await eventually('its end', async () => (await lenient.getEntry('k'))?.stale);
      expect([...(await lenient.getMany(['k']))]).toEqual([['k', 'stale']]);
      // The server's clock is known to within a round trip.
      await eventually('its end', async () => (await here.getMany(['k'])).size === 0);
    });

    it('reads ten thousand keys', async () => {
      const keys = Array.from({ length: 10_000 }, (_, i) => `k${i}`);
      await there.setMany(keys.map((key, i) => [key, i]));
      const found = await here.getMany(keys);
      expect([...found.values()]).toEqual(keys.map((_, i) => i));
    });

    it('makes one command of all reads of a turn, and asks for a key once', async () => {
      if (way.name === 'three connections' || way.name === 'three shards') return; // one each
      if (waysToCluster.includes(way)) return; // one a hash tag, and nobody hears the commands of all nodes
      await there.setMany([
        ['a', 1],
        ['b', 2],
      ]);
      const own = await opened.cache(way, url, { namespace: root });
      const watched = await monitor(async () => {
        await Promise.all([
          own.getMany(['a', 'b']),
          own.get('a'),
          own.getOrSet('b', () => 0),
          own.getOrSetMany(['a', 'c'], () => [0]),
        ]);
      });
      const reads = watched.filter(([name]) => name === 'mget' || name === 'get');
      expect(reads).toHaveLength(1);
      expect(reads[0]?.slice(1).toSorted()).toEqual(['a', 'b', 'c'].map((key) => prefix + key));
    });
  });

  describe('setMany', () => {
    it('writes what can be written, and says of each other key why it was not', async () => {
      const error = await bulkError(
        here.setMany([
          ['a', 1],
          ['f', () => 1],
          ['b', 2],
          ['u', undefined],
        ]),
      );
      expect(error).toMatchObject({ code: 'TIERCEL_BULK', operation: 'setMany', outcome: 'not-done' });
      expect([...error.failures.keys()].toSorted()).toEqual(['f', 'u']);
      for (const [key, failure] of error.failures) {
        expect(failure).toMatchObject({ code: 'TIERCEL_ENCODE', operation: 'setMany', key });
      }
      expect([...(await there.getMany(['a', 'f', 'b', 'u']))]).toEqual([
        ['a', 1],
        ['b', 2],
      ]);
    });

    it('keeps in memory what it wrote, and drops what others kept', async () => {
      if (!keeps()) return;
      await there.setMany([['a', 'old']]);
      await here.get('a');
      await there.setMany([['a', 'new']]);
      // Where news come of what this process writes itself, the next read keeps it.
      if (way.name.startsWith('a client of'))
        await eventually('a copy', async () => {
          await there.get('a');
          return there.peek('a') === 'new';
        });
      else expect(there.peek('a')).toBe('new');
      await eventually('the news', () => here.peek('a') === undefined);
      await cli.text('DEL', `${prefix}a`);
      await eventually('the news', () => there.peek('a') === undefined);
    });

    it('writes with the tags and the times of the call', async () => {
      await eventually('tagged entries', async () => {
        await here.setMany(
          [
            ['a', 1],
            ['b', null],
          ],
          { ttl: '20m', negativeTtl: '5m', tags: ['t'] },
        );
        return (await there.getMany(['a', 'b'])).size === 2;
      });
      expect(await there.getEntry('a')).toMatchObject({ value: 1, tags: ['t'] });
      expect(await cli.pttl(`${prefix}a`)).toBeGreaterThan(10 * 60_000);
      expect(await cli.pttl(`${prefix}b`)).toBeLessThanOrEqual(5 * 60_000);
      await there.invalidateTags(['t']);
      await eventually('the news', async () => (await here.getMany(['a', 'b'])).size === 0);
    });

    it('takes the last of several values of one key', async () => {
      await here.setMany([
        ['a', 1],
        ['a', 2],
      ]);
      expect(await there.get('a')).toBe(2);
    });
  });

  describe('deleteMany', () => {
    it('counts values, and no leases or keys that were not there', async () => {
      await here.setMany([
        ['a', 1],
        ['b', 2],
      ]);
      await cli.text('LPUSH', `${prefix}list`, 'x');
      expect(await there.deleteMany(['a', 'none', 'b', 'list', 'a'])).toBe(3);
      expect((await here.getMany(['a', 'b'])).size).toBe(0);
      expect(await cli.text('EXISTS', `${prefix}list`)).toBe(0);
    });
  });

  describe('getOrSetMany', () => {
    it('loads what is nowhere in one call, and answers in the order asked', async () => {
      await there.set('b', 'from Redis');
      await here.set('d', 'from memory');
      const { asked, load } = loaderOfMany();
      expect([...(await here.getOrSetMany(['a', 'b', 'c', 'd', 'a'], load))]).toEqual([
        ['a', 'the value of a'],
        ['b', 'from Redis'],
        ['c', 'the value of c'],
        ['d', 'from memory'],
      ]);
      expect(asked.map((keys) => keys.toSorted())).toEqual([['a', 'c']]);
      expect((await here.getOrSetMany(['c', 'a'], load)).size).toBe(2);
      expect(asked).toHaveLength(1);
      await eventually('the fills', async () => (await there.getMany(['a', 'c'])).size === 2);
    });

    it('makes one call of however many are missing, as large as it may be', async () => {
      const keys = Array.from({ length: 900 }, (_, i) => `k${i}`);
      const { asked, load } = loaderOfMany();
      expect((await here.getOrSetMany(keys, load)).size).toBe(900);
      expect(asked.map(({ length }) => length)).toEqual([900]);
      await here.clear();
      expect([...(await here.getOrSetMany(keys, load, { maxBatch: 400 })).keys()]).toEqual(keys);
      expect(asked.map(({ length }) => length)).toEqual([900, 400, 400, 100]);
    });

    it('takes a Map from the loader, null for a value, and undefined for none', async () => {
      const load = vi.fn(
        async (): Promise<Map<string, string | null | undefined>> =>
          new Map([
            ['a', 'A'],
            ['b', null],
            ['c', undefined],
          ]),
      );
      expect([...(await here.getOrSetMany(['a', 'b', 'c', 'd'], load))]).toEqual([
        ['a', 'A'],
        ['b', null],
      ]);
      await eventually('the fills', async () => (await there.getMany(['a', 'b'])).size === 2);
      expect(await there.has('c')).toBe(false);
    });

    it('tells the loader of each key what a loader of one is told, and takes what it says of each', async () => {
      await eventually('the entries', async () => {
        await here.getOrSetMany(['a', 'b', 'c'], (keys, { of }) => {
          if (keys.includes('a')) of('a').setTtl('10m');
          if (keys.includes('b')) of('b').setTags(['t']);
          of('c').skip();
          expect(of('c')).toMatchObject({ key: 'c', stale: undefined });
          expect(() => of('other')).toThrow(/'other' is none of these/);
          return keys.map((key) => `value of ${key}`);
        });
        return (await there.getMany(['a', 'b'])).size === 2;
      });
      expect(await cli.pttl(`${prefix}a`)).toBeLessThanOrEqual(10 * 60_000);
      expect(await there.getEntry('b')).toMatchObject({ tags: ['t'] });
      expect(await there.has('c')).toBe(false);
    });

    it('fails the keys whose load failed, each with its own error, and gives the values of the others', async () => {
      const broken = new TypeError('b is broken');
      await there.set('d', 'from Redis');
      const load = async (keys: readonly string[]): Promise<Array<string | Error>> =>
        keys.map((key) => (key === 'b' ? broken : key));
      const error = await bulkError(here.getOrSetMany(['a', 'b', 'c', 'd'], load));
      expect(error.operation).toBe('getOrSetMany');
      expect([...error.failures]).toEqual([['b', broken]]);
      expect([...error.results]).toEqual([
        ['a', 'a'],
        ['c', 'c'],
        ['d', 'from Redis'],
      ]);
      await eventually('the fills', async () => (await there.getMany(['a', 'c'])).size === 2);
      // Nobody waits for a load that has failed.
      expect(await there.getOrSet('b', () => 'well')).toBe('well');
    });

    it('fails all keys of a call that failed, and those alone', async () => {
      await there.set('b', 'from Redis');
      const down = new Error('down');
      const error = await bulkError(here.getOrSetMany(['a', 'b', 'c'], () => Promise.reject(down)));
      expect(error.failures.get('a')).toBe(down);
      expect(error.failures.get('c')).toBe(down);
      expect([...error.results]).toEqual([['b', 'from Redis']]);
      // Other keys: those above are given back by a script, which a node that does not know it yet carries out a hop later.
      const odd = await bulkError(here.getOrSetMany(['d', 'e'], () => ['one']));
      expect(odd.failures.get('d')).toMatchObject({
        code: 'TIERCEL_INVALID_OPTION',
        message: expect.stringMatching(/an array of 2 results .* an array of 1/),
      });
    });

    it('shares the loads of single callers and of other bulk calls, in whatever order they come', async () => {
      const running = new Map<string, number>();
      const total = new Map<string, number>();
      let most = 0;
      const one = async (key: string): Promise<string> => {
        const now = (running.get(key) ?? 0) + 1;
        most = Math.max(most, now);
        running.set(key, now);
        total.set(key, (total.get(key) ?? 0) + 1);
        await new Promise((resolve) => setTimeout(resolve, 5));
        running.set(key, now - 1);
        return `v ${key}`;
      };
      const many = (keys: readonly string[]): Promise<string[]> => Promise.all(keys.map(one));
      const keys = Array.from({ length: 30 }, (_, i) => `k${i}`);
      const calls: Array<Promise<unknown>> = [];
      for (const cache of [here, there]) {
        for (let i = 0; i < 10; i++) {
          calls.push(
            cache.getOrSetMany(keys.slice(i * 2, i * 2 + 12), many).then((found) => {
              for (const [key, value] of found) expect(value).toBe(`v ${key}`);
            }),
            cache
              .getOrSet(keys[i * 3] as string, ({ key }) => one(key))
              .then((value) => expect(value).toBe(`v ${keys[i * 3]}`)),
          );
        }
        await setImmediate();
      }
      await Promise.all(calls);
      expect(most).toBe(1);
      expect(Math.max(...total.values())).toBe(1);
    });

    it('loads its own while it waits for what another process loads', async () => {
      const began = deferred<undefined>();
      const finish = deferred<string>();
      const theirs = there.getOrSet('b', () => {
        began.resolve(undefined);
        return finish.promise;
      });
      await began.promise;
      const loaded = deferred<readonly string[]>();
      const ours = here.getOrSetMany(['a', 'b', 'c'], (keys) => {
        loaded.resolve(keys);
        return keys.map((key) => `ours ${key}`);
      });
      // Were the call to wait for the key of the others, this would never be.
      expect((await loaded.promise).toSorted()).toEqual(['a', 'c']);
      finish.resolve('theirs');
      expect([...(await ours)]).toEqual([
        ['a', 'ours a'],
        ['b', 'theirs'],
        ['c', 'ours c'],
      ]);
      await theirs;
    });

    it('takes over what another process failed to load', async () => {
      const began = deferred<undefined>();
      const finish = deferred<string>();
      const theirs = there
        .getOrSet('b', () => {
          began.resolve(undefined);
          return finish.promise;
        })
        .catch((error: unknown) => error);
      await began.promise;
      const { asked, load } = loaderOfMany();
      const ours = here.getOrSetMany(['a', 'b'], load);
      await eventually('the first call', () => asked.length === 1);
      finish.reject(new Error('their database is down'));
      expect([...(await ours).values()]).toEqual(['the value of a', 'the value of b']);
      expect(asked).toEqual([['a'], ['b']]);
      await theirs;
    });

    it('serves what is stale and replaces it behind the caller', async () => {
      const options = { ttl: 20, staleWhileRevalidate: '1h' } as const;
      const { asked, load } = loaderOfMany();
      await there.setMany(
        [
          ['a', 'stale a'],
          ['b', 'stale b'],
        ],
        options,
      );
      // By the server's clock as it is known here, which is behind it.
      const lenient = await opened.cache(way, url, { namespace: root, ...options });
      await eventually('their end', async () => {
        const entries = await Promise.all([lenient.getEntry('a'), lenient.getEntry('b')]);
        return entries.every((entry) => entry?.stale);
      });
      expect([...(await lenient.getOrSetMany(['a', 'b'], load)).values()]).toEqual(['stale a', 'stale b']);
      // Asked again: they are stale only just, and by the time that their turn of the event loop began perhaps not yet.
      await eventually('the refresh', async () => {
        await lenient.getOrSetMany(['a', 'b'], load);
        return new Set(asked.flat()).size === 2;
      });
    });

    it('lets its caller leave, and tells the loader when nobody is left', async () => {
      const leaving = new AbortController();
      const began = deferred<AbortSignal>();
      const finish = deferred<Map<string, string>>();
      const answer = here.getOrSetMany(
        ['a', 'b'],
        (_, { signal }) => {
          began.resolve(signal);
          return finish.promise;
        },
        { signal: leaving.signal },
      );
      const signal = await began.promise;
      const staying = here.getOrSet('a', () => 'not needed');
      // It shares the load, or where news of one's own come as anyone's, it has found that this process loads.
      await eventually('the wait', () => {
        const { coalesced, leaseWaits } = here.stats().counters;
        return coalesced + leaseWaits > 0;
      });
      leaving.abort(new Error('left'));
      await expect(answer).rejects.toThrow('left');
      expect(signal.aborted).toBe(false);
      finish.resolve(
        new Map([
          ['a', 'A'],
          ['b', 'B'],
        ]),
      );
      expect(await staying).toBe('A');
      await expect(
        here.getOrSetMany(['c'], () => ['C'], { signal: AbortSignal.abort(new Error('gone')) }),
      ).rejects.toThrow('gone');
    });

    it('aborts a call that everybody has left', async () => {
      const leaving = new AbortController();
      const began = deferred<AbortSignal>();
      const answer = here.getOrSetMany(
        ['a', 'b'],
        async (keys, { signal }) => {
          began.resolve(signal);
          await new Promise((resolve) => signal.addEventListener('abort', resolve));
          return keys.map(() => 1);
        },
        { signal: leaving.signal },
      );
      const signal = await began.promise;
      leaving.abort(new Error('left'));
      await expect(answer).rejects.toThrow('left');
      expect(signal.aborted).toBe(true);
    });

    const invalidations: ReadonlyArray<readonly [string, (key: string) => Promise<unknown>]> = [
      ['delete here', (key) => here.delete(key)],
      ['deleteMany there', (key) => there.deleteMany([key])],
      ['set there', (key) => there.set(key, 'new')],
      ['setMany here', (key) => here.setMany([[key, 'new']])],
      ['clear there', () => there.clear()],
      ['clear here', () => here.clear()],
      ['redis-cli DEL', (key) => cli.text('DEL', prefix + key)],
    ];

    it.each(invalidations)('stores nothing that was loaded before a %s of its key', async (_, invalidate) => {
      const began = deferred<undefined>();
      const finish = deferred<string[]>();
      const answer = here.getOrSetMany(['a', 'b', 'c'], async (keys) => {
        began.resolve(undefined);
        await finish.promise;
        return keys.map((key) => `old ${key}`);
      });
      await began.promise;
      await invalidate('b');
      await there.get('any');
      await here.get('any');
      const later = here.getOrSet('b', () => 'new');
      finish.resolve([]);
      expect((await answer).get('b')).toBe('old b');
      // Where nobody tells of changes, who asks while the load still runs shares it.
      if (keeps()) expect(await later).toBe('new');
      else await later;
      await here.set('other', 1); // behind everything that was still under way
      for (const cache of [here, there]) {
        expect(cache.peek('b')).not.toBe('old b');
        expect(await cache.get('b')).not.toBe('old b');
      }
    });
  });

  describe('clear', () => {
    it('removes all entries of the namespace from Redis and from every memory, and no others', async () => {
      const keys = Array.from({ length: 2500 }, (_, i) => `k${i}`);
      await here.setMany(keys.map((key) => [key, 1]));
      await here.namespace('inner').set('k', 'kept');
      await there.getMany(keys);
      await here.clear();
      expect(here.peek('k1')).toBeUndefined();
      expect((await here.getMany(keys)).size).toBe(0);
      await eventually('the news', () => keys.every((key) => there.peek(key) === undefined));
      expect((await there.getMany(keys)).size).toBe(0);
      expect(await here.namespace('inner').get('k')).toBe('kept');
      await here.set('k1', 'anew');
      expect(await there.get('k1')).toBe('anew');
    });

    it('keeps nothing in memory that is read or loaded while it goes on', async () => {
      const keys = Array.from({ length: 3000 }, (_, i) => `k${i}`);
      await there.setMany(keys.map((key) => [key, 'old']));
      const going = { on: true };
      const cleared = here.clear().finally(() => (going.on = false));
      for (let start = 0; going.on; start = (start + 100) % 3000) {
        // Who asks after the call was made gets nothing of before it.
        const asked = keys.slice(start, start + 100);
        const found = await here.getOrSetMany(asked, (missing) => missing.map(() => 'new'));
        expect(new Set(found.values())).toEqual(new Set(['new']));
        // Once all are in memory no call waits for anything, and the clear would never have its turn.
        await setImmediate();
      }
      await cleared;
      // What was loaded and then removed again would be kept without anyone to tell of its changes.
      await there.setMany(keys.map((key) => [key, 'theirs']));
      await here.ttl('any');
      const seen = new Set((await here.getMany(keys)).values());
      expect(seen).not.toContain('old');
      if (keeps()) expect(seen).not.toContain('new');
    });

    it('is refused for bare keys', async () => {
      const bare = await opened.cache(way, url, { namespace: '' });
      await expect(bare.clear()).rejects.toMatchObject({
        code: 'TIERCEL_INVALID_OPTION',
        operation: 'clear',
      });
      await expect(bare.namespace(`${root}-of-bare`).clear()).resolves.toBeUndefined();
    });
  });

  it('refuses values that are larger than maxValueBytes, and passes on what was loaded', async () => {
    const small = await opened.cache(way, url, { namespace: root, maxValueBytes: '1kb' });
    const large = 'x'.repeat(1100);
    const refused = { code: 'TIERCEL_ENCODE', message: expect.stringMatching(/maxValueBytes \(1024\)/) };
    await expect(small.set('k', large)).rejects.toMatchObject({ ...refused, operation: 'set', key: 'k' });
    const error = await bulkError(
      small.setMany([
        ['k', large],
        ['fits', 1],
      ]),
    );
    expect(error.failures.get('k')).toMatchObject(refused);
    expect(await there.get('fits')).toBe(1);

    const { errors } = small.stats().counters;
    expect(await small.getOrSet('k', () => large)).toBe(large);
    await eventually('the count', () => small.stats().counters.errors === errors + 1);
    expect(await there.has('k')).toBe(false);
    const loadLarge = async (keys: readonly string[]): Promise<string[]> => keys.map(() => large);
    expect([...(await small.getOrSetMany(['k', 'l'], loadLarge)).values()]).toEqual([large, large]);
    await here.set('k', large);
    expect(await small.get('k')).toBe(large);
  });

  /** The commands that name this test's keys, as the server sees them. */
  async function monitor(work: () => Promise<unknown>): Promise<string[][]> {
    const { createClient } = await import('@redis/client');
    const client = createClient({ url });
    await client.connect();
    const seen: string[][] = [];
    try {
      await client.MONITOR((line) => {
        if (/^\S+ \[\d+ lua\]/.test(line)) return; // by a script, that is
        const words = [...line.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, word = '']) => word);
        if (words.some((word) => word.startsWith(prefix)))
          seen.push([words[0]?.toLowerCase() ?? '', ...words.slice(1)]);
      });
      await work();
      await here.set('last', 1);
      await eventually('the last command', () => seen.some((words) => words.includes(`${prefix}last`)));
      return seen;
    } finally {
      client.destroy();
    }
  }
});
