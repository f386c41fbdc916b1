import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createCache, type CacheManager } from 'tiercel';
import { deferred } from '../../servers/deferred.js';
import { eventually } from '../support/eventually.js';
import { sharedRedisUrl, uniquePrefix } from '../support/redis.js';
import { redisCli } from '../support/redis-cli.js';

/** Deadlines are not the matter here, and the machine may be busy. */
const redis = { url: sharedRedisUrl(), commandTimeout: '5s' } as const;
const client = redisCli(sharedRedisUrl());
const cli = (...args: string[]): Promise<unknown> => client.text(...args);

describe('P2 no stale set', () => {
  let namespace: string;
  let here: CacheManager;
  let there: CacheManager;

  beforeEach(async () => {
    namespace = uniquePrefix();
    here = createCache({ redis, namespace });
    there = createCache({ redis, namespace });
    await Promise.all([here.ready(), there.ready()]);
  });
  afterEach(async () => {
    await Promise.all([here.close(), there.close()]);
  });

  /** A load that has read the old row, and comes back with it when told to. */
  async function loadOfOldRow(): Promise<{ finish: () => void; answer: Promise<string> }> {
    const began = deferred<undefined>();
    const go = deferred<undefined>();
    const answer = here.getOrSet('k', async () => {
      began.resolve(undefined);
      await go.promise;
      return 'old';
    });
    await began.promise;
    return { finish: () => go.resolve(undefined), answer };
  }

  /** Every way in which somebody may say that the old row is no more. */
  const invalidations: ReadonlyArray<readonly [string, () => Promise<unknown>]> = [
    ['delete in this process', () => here.delete('k')],
    ['delete in another', () => there.delete('k')],
    ['set in this process', () => here.set('k', 'new')],
    ['set in another', () => there.set('k', 'new')],
    ['redis-cli DEL', () => cli('DEL', `${namespace}::k`)],
  ];

  async function holdsNothingOld(): Promise<void> {
    for (const cache of [here, there]) {
      expect(cache.peek('k')).not.toBe('old');
      expect(await cache.get('k')).not.toBe('old');
      expect(cache.peek('k')).not.toBe('old');
    }
    expect(JSON.stringify(await cli('GET', `${namespace}::k`))).not.toContain('old');
  }

  it.each(invalidations)('does not store what was loaded before %s', async (_, invalidate) => {
    const load = await loadOfOldRow();
    await invalidate();
    load.finish();
    expect(await load.answer).toBe('old'); // who asked before may have it
    await here.set('other', 1); // behind everything that was still under way
    await holdsNothingOld();
  });

  it('does not store what was loaded because something else stood there, if that was removed since', async () => {
    // A cache that hears of nothing by itself, so that Redis alone decides.
    const deaf = createCache({ redis, namespace, coherence: 'none' });
    for (const [key, thing] of Object.entries({ text: 'something else', short: 'x' })) {
      await cli('SET', `${namespace}::${key}`, thing);
      const began = deferred<undefined>();
      const go = deferred<undefined>();
      const answer = deaf.getOrSet(key, async () => {
        began.resolve(undefined);
        await go.promise;
        return 'old';
      });
      await began.promise;
      await cli('DEL', `${namespace}::${key}`);
      go.resolve(undefined);
      expect(await answer).toBe('old');
      await deaf.set('other', 1); // behind everything that was still under way
      expect(await cli('GET', `${namespace}::${key}`)).toBeNull();
    }
    await deaf.close();
  });

  it.each(invalidations)('gives nobody who asks after %s what was loaded before', async (_, invalidate) => {
    const load = await loadOfOldRow();
    await invalidate();
    // The news of what others did comes with the next answer at the latest.
    await here.get('any');
    const later = await here.getOrSet('k', async () => 'new');
    expect(later).toBe('new');
    load.finish();
    await load.answer;
    expect(await here.getOrSet('k', async () => 'newer')).toBe('new');
    await holdsNothingOld();
  });

  it.each(invalidations)('keeps no copy of what was read before %s', async (_, invalidate) => {
    await there.set('k', 'old');
    expect(await here.get('k')).toBe('old');
    expect(await there.get('k')).toBe('old');
    await invalidate();
    await eventually('no copy', () => here.peek('k') !== 'old' && there.peek('k') !== 'old', 1000);
    await holdsNothingOld();
  });

  it.each([
    ['this process', () => here.invalidateTags(['t'])],
    ['another', () => there.invalidateTags(['t'])],
  ])('gives nobody who asks after invalidateTags in %s what was loaded before', async (_, invalidate) => {
    // So that each has read the tag's record, and is told of its change.
    await eventually('a tagged copy', async () => {
      await here.getOrSet('known', async () => 1, { tags: ['t'] });
      return here.peek('known') === 1;
    });
    const began = deferred<undefined>();
    const go = deferred<undefined>();
    const old = here.getOrSet('k', async (context) => {
      began.resolve(undefined);
      await go.promise;
      context.setTags(['t']);
      return 'old';
    });
    await began.promise;
    await invalidate();
    await here.get('any');
    const later = here.getOrSet('k', async () => 'new', { tags: ['t'] });
    go.resolve(undefined);
    expect(await old).toBe('old'); // who asked before may have it
    expect(await later).toBe('new');
    expect(await here.getOrSet('k', async () => 'newer', { tags: ['t'] })).toBe('new');
    await holdsNothingOld();
  });

  it('holds for many keys at once, in whatever order reads, loads and invalidations come', async () => {
    const keyNames = ['x', 'y', 'z'] as const;
    type Key = (typeof keyNames)[number];
    const some = fc.subarray([...keyNames], { minLength: 1 });
    const where = fc.constantFrom('here' as const, 'there' as const);
    const step = fc.oneof(
      fc.record({ do: fc.constant('load' as const), where, keys: some }),
      fc.record({ do: fc.constant('load one' as const), where, keys: some }),
      fc.record({ do: fc.constant('finish' as const), where, keys: some }),
      fc.record({
        do: fc.constantFrom('delete' as const, 'cli' as const, 'clear' as const),
        where,
        keys: some,
      }),
      fc.record({ do: fc.constant('read' as const), where, keys: some }),
    );
    let round = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 12 }), async (steps) => {
        const name = `round${round++}`;
        const caches = { here: here.namespace(name), there: there.namespace(name) };
        const rows = new Map<Key, number>(keyNames.map((key) => [key, 0]));
        const waiting: Array<() => void> = [];
        const answers: Array<Promise<unknown>> = [];
        /** Reads the rows now, and comes back with them when told to. */
        const load = async (keys: readonly string[]): Promise<Map<string, number>> => {
          const seen = new Map(keys.map((key) => [key, rows.get(key as Key) as number]));
          const go = deferred<undefined>();
          waiting.push(() => go.resolve(undefined));
          await go.promise;
          return seen;
        };
        const check = (found: ReadonlyMap<string, number>): void => {
          for (const [key, seen] of found) expect(seen).toBe(rows.get(key as Key));
        };
        for (const each of steps) {
          const cache = caches[each.where];
          if (each.do === 'load') answers.push(cache.getOrSetMany(each.keys, load));
          else if (each.do === 'load one') {
            const [key] = each.keys as [Key];
            answers.push(cache.getOrSet(key, async () => (await load([key])).get(key)));
          } else if (each.do === 'finish') waiting.shift()?.();
          else if (each.do === 'read') check(await cache.getMany<number>(each.keys));
          else {
            const gone = each.do === 'clear' ? keyNames : each.keys;
            for (const key of gone) rows.set(key, (rows.get(key) ?? 0) + 1);
            if (each.do === 'clear') await cache.clear();
            else if (each.do === 'delete') await cache.deleteMany(each.keys);
            else await cli('DEL', ...each.keys.map((key) => `${namespace}:${name}::${key}`));
            // News of it reach both behind an answer that is asked for now.
            await Promise.all([here.ttl('any'), there.ttl('any')]);
          }
        }
        const done = Promise.all(answers);
        const rest = { isOpen: true };
        void done.finally(() => (rest.isOpen = false));
        while (rest.isOpen) {
          waiting.shift()?.();
          await new Promise((resolve) => setImmediate(resolve));
        }
        await Promise.all([here.set('any', round), there.set('any', round)]);
        for (const cache of Object.values(caches)) check(await cache.getMany<number>(keyNames));
      }),
      { numRuns: 120 },
    );
  });
});
