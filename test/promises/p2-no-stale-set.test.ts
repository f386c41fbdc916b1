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
});
