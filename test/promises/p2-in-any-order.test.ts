import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import fc from 'fast-check';
import type { CacheManager } from 'tiercel';
import { deferred } from '../../servers/deferred.js';
import { eventually } from '../support/eventually.js';
import { Opened } from '../support/open-cache.js';
import { startRedis, type RedisServer } from '../support/redis.js';
import { waysToHear } from '../support/ways-to-hear.js';

/** For news to arrive, on a machine that may be busy with other things. */
const HOP = 1000;
const TAGGED = { tags: ['t'] };

const INVALIDATIONS = [
  'delete here',
  'delete there',
  'set here',
  'set there',
  'tag here',
  'tag there',
  'expire here',
  'expire there',
  'cli DEL',
] as const;
type Step =
  | (typeof INVALIDATIONS)[number]
  | 'load here'
  | 'load there'
  | 'finish'
  | 'read here'
  | 'read there';

const ways = waysToHear.filter(({ name }) =>
  ['a URL by tracking', 'a URL by broadcast', 'a URL by pubsub', 'ioredis 6 by broadcast'].includes(name),
);

describe.each(ways)('P2 no stale set, in whatever order things come, over $name', (way) => {
  let server: RedisServer;
  let here: CacheManager;
  let there: CacheManager;
  const opened = new Opened();

  beforeAll(async () => {
    server = await startRedis();
    const options = { namespace: 'shop', ttl: '1h', coherence: way.coherence } as const;
    here = await opened.cache(way, server.url, options);
    there = await opened.cache(way, server.url, options);
  });
  afterAll(async () => {
    await opened.close();
    await server.stop();
  });

  const steps = fc.array(
    fc.oneof(
      fc.constantFrom<Step>('load here', 'load there', 'finish', 'read here', 'read there'),
      fc.constantFrom<Step>(...INVALIDATIONS.filter((step) => way.hearsAnyone || step !== 'cli DEL')),
    ),
    { minLength: 3, maxLength: 14 },
  );

  it('nobody gets, and nothing holds, what was loaded or read before an invalidation', async () => {
    let round = 0;
    await fc.assert(
      fc.asyncProperty(steps, async (order) => {
        const key = `k${round++}`;
        let row = 0;
        const waiting: Array<() => void> = [];
        const answers: Array<Promise<unknown>> = [];
        const cacheOf = (step: string): CacheManager => (step.endsWith('here') ? here : there);
        const load = (cache: CacheManager): Promise<number> =>
          cache.getOrSet(
            key,
            async () => {
              const seen = row;
              const go = deferred<undefined>();
              waiting.push(() => go.resolve(undefined));
              await go.promise;
              return seen;
            },
            TAGGED,
          );
        /** Where it is read: nothing, or the row as it is. One hop after a change at the latest. */
        const isTrue = (): Promise<unknown> =>
          eventually(
            `nothing but ${row}`,
            async () => {
              for (const cache of [here, there]) if (((await cache.get(key)) ?? row) !== row) return false;
              return true;
            },
            HOP,
          );
        const invalidate = async (step: Step): Promise<void> => {
          const cache = cacheOf(step);
          if (step.startsWith('expire')) return void (await cache.expire(key, '2h'));
          row++;
          if (step === 'cli DEL') await server.cli('DEL', `shop::${key}`);
          else if (step.startsWith('set')) await cache.set(key, row, TAGGED);
          else if (step.startsWith('tag')) await cache.invalidateTags(TAGGED.tags);
          else await cache.delete(key);
          // Whoever did it knows at once; the others by and by.
          if (step !== 'cli DEL') expect((await cache.get<number>(key)) ?? row).toBe(row);
          await isTrue();
        };
        for (const step of order) {
          if (step.startsWith('load')) answers.push(load(cacheOf(step)));
          else if (step === 'finish') waiting.shift()?.();
          else if (step.startsWith('read')) {
            expect((await cacheOf(step).get<number>(key)) ?? row).toBe(row);
          } else await invalidate(step);
        }
        const rest = { isOpen: true };
        void Promise.all(answers).finally(() => (rest.isOpen = false));
        while (rest.isOpen) {
          waiting.shift()?.();
          await new Promise((resolve) => setImmediate(resolve));
        }
        await isTrue();
        // What was still being stored behind the callers' backs.
        await Promise.all([here.set('any', round), there.set('any', round)]);
        for (const cache of [here, there]) expect((await cache.get<number>(key)) ?? row).toBe(row);
      }),
      { numRuns: 60 },
    );
  });
});
