import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CacheManager, EntryOptions } from 'tiercel';
import { deferred } from '../../servers/deferred.js';
import { eventually } from '../support/eventually.js';
import { Opened } from '../support/open-cache.js';
import { startRedis, type RedisServer } from '../support/redis.js';
import { SteppingProxy, type Stop } from '../support/stepping-proxy.js';
import { waysOfEachKind } from '../support/ways-to-hear.js';

/** For news to arrive, on a machine that may be busy with other things. */
const HOP = 1000;
const TAGGED: EntryOptions = { tags: ['t'] };

/** Who is there to say that the row behind a key is another one. */
interface Scene {
  readonly here: CacheManager;
  readonly there: CacheManager;
  readonly server: RedisServer;
  readonly key: string;
  readonly redisKey: string;
}

interface Invalidation {
  readonly name: string;
  /** Whether it is told by a cache, or only by the server. */
  readonly by: 'a cache' | 'anyone';
  /** Whether it goes behind what is stopped on the connection of this process. */
  readonly behind: boolean;
  readonly invalidate: (scene: Scene) => Promise<unknown>;
}

const invalidations: readonly Invalidation[] = [
  { name: 'delete here', by: 'a cache', behind: true, invalidate: ({ here, key }) => here.delete(key) },
  { name: 'delete there', by: 'a cache', behind: false, invalidate: ({ there, key }) => there.delete(key) },
  {
    name: 'set here',
    by: 'a cache',
    behind: true,
    invalidate: ({ here, key }) => here.set(key, 'new', TAGGED),
  },
  {
    name: 'set there',
    by: 'a cache',
    behind: false,
    invalidate: ({ there, key }) => there.set(key, 'new', TAGGED),
  },
  {
    name: 'invalidateTags here',
    by: 'a cache',
    behind: true,
    invalidate: ({ here }) => here.invalidateTags(['t']),
  },
  {
    name: 'invalidateTags there',
    by: 'a cache',
    behind: false,
    invalidate: ({ there }) => there.invalidateTags(['t']),
  },
  {
    name: 'redis-cli DEL',
    by: 'anyone',
    behind: false,
    invalidate: ({ server, redisKey }) => server.cli('DEL', redisKey),
  },
];

/** A point on the way of an answer, and what stops it there. */
interface Point {
  readonly point: string;
  readonly stop?: (proxy: SteppingProxy, redisKey: string, refreshKey: string) => Stop;
}

const about =
  (redisKey: string, ...names: string[]) =>
  (words: readonly string[]): boolean =>
    names.includes(words[0] ?? '') && words.includes(redisKey);

const beforeTheRead: Point = {
  point: 'before the read',
  stop: (proxy, redisKey) => proxy.before(about(redisKey, 'GET', 'MGET')),
};
const behindTheRead: Point = {
  point: 'behind the read',
  stop: (proxy, redisKey) => proxy.after(about(redisKey, 'GET', 'MGET')),
};
const fromTheLoadOn: readonly Point[] = [
  { point: 'while it loads' },
  {
    point: 'between the load and the fill',
    stop: (proxy, redisKey) => proxy.before(about(redisKey, 'EVALSHA')),
  },
  {
    point: 'between the fill and the copy',
    stop: (proxy, redisKey) => proxy.after(about(redisKey, 'EVALSHA')),
  },
];
const ofColdKeys: readonly Point[] = [
  beforeTheRead,
  {
    point: 'between the read and the lease',
    stop: (proxy, redisKey) => proxy.before(about(redisKey, 'SET')),
  },
  {
    point: 'between the lease and the load',
    stop: (proxy, redisKey) => proxy.after(about(redisKey, 'SET')),
  },
  ...fromTheLoadOn,
];
const ofStaleValues: readonly Point[] = [
  {
    point: 'between the read and the lease',
    stop: (proxy, _, refreshKey) => proxy.before(about(refreshKey, 'SET')),
  },
  {
    point: 'between the lease and the load',
    stop: (proxy, _, refreshKey) => proxy.after(about(refreshKey, 'SET')),
  },
  ...fromTheLoadOn,
];
const steps = (points: readonly Point[]): Array<Point & Invalidation> =>
  points.flatMap((point) => invalidations.map((invalidation) => ({ ...point, ...invalidation })));

// Of the two versions of ioredis what is used here is the same.
const ways = waysOfEachKind.filter(({ name }) => !name.startsWith('ioredis 5'));

describe.each(ways)('P2 no stale set, over $name', (way) => {
  let server: RedisServer;
  let proxy: SteppingProxy;
  let here: CacheManager;
  let there: CacheManager;
  /** Without memory: what Redis holds. */
  let bare: CacheManager;
  const opened = new Opened();
  let count = 0;

  beforeAll(async () => {
    server = await startRedis();
    proxy = await SteppingProxy.to(server.port);
    const { coherence } = way;
    const options = { namespace: 'shop', coherence, staleWhileRevalidate: '1h', jitter: 0 } as const;
    here = await opened.cache(way, proxy.url, options);
    there = await opened.cache(way, server.url, options);
    bare = await opened.cache(way, server.url, { ...options, memory: false });
    // Every script is known to the server from here on, so that each step is one command.
    for (const cache of [here, there]) {
      await eventually('a tagged value', async () => {
        await cache.getOrSet('warm', async () => 1, TAGGED);
        return cache.get('warm');
      });
      await cache.invalidateTags(['t']);
      await cache.delete('warm');
    }
  });
  afterAll(async () => {
    await opened.close();
    await proxy.close();
    await server.stop();
  });

  function newScene(): Scene {
    const key = `k${count++}`;
    return { here, there, server, key, redisKey: `${way.keyPrefix}shop::${key}` };
  }

  /** Has the value loaded here from a row that changes when it stands at the point. */
  async function run(scene: Scene, { point, stop, invalidate, behind }: Point & Invalidation): Promise<void> {
    const { key, redisKey } = scene;
    const row = { value: 'old' };
    const began = deferred<undefined>();
    const go = deferred<undefined>();
    const stopped = stop?.(proxy, redisKey, `${way.keyPrefix}%refresh:shop::${key}`);
    const load = async (): Promise<string> => {
      const { value } = row;
      began.resolve(undefined);
      await go.promise;
      return value;
    };
    if (point.includes('the fill')) go.resolve(undefined);
    let reached = false;
    void (stopped?.reached ?? began.promise).then(() => (reached = true));
    const answers: Array<Promise<string>> = [];
    // More than once, since what is barely stale is fresh again by a clock that was just set right.
    await eventually(point, () => {
      answers.push(here.getOrSet(key, load, TAGGED));
      return reached;
    });
    row.value = 'new';
    const invalidated = invalidate(scene);
    if (!behind) await invalidated;
    stopped?.release();
    await invalidated;
    go.resolve(undefined);
    await Promise.all(answers);
  }

  /** Nowhere is there anything old, and one hop after the change nobody who asks gets it. */
  async function nothingOld({ key }: Scene, { by, behind }: Invalidation): Promise<void> {
    // Where only caches tell, nobody hears of what others do, and copies stay until their time is over.
    if (way.hearsAnyone || by === 'a cache') {
      for (const cache of [here, there]) {
        const ask = (): Promise<string> => cache.getOrSet(key, async () => 'new', TAGGED);
        // What was done here is true here at once.
        if (cache === here && behind) expect(await ask()).toBe('new');
        await eventually('no old copy', async () => (await cache.get(key)) !== 'old', HOP);
        await eventually('the new value', async () => (await ask()) === 'new', HOP);
        expect(cache.peek(key)).not.toBe('old');
      }
    }
    expect(await bare.get(key)).not.toBe('old');
  }

  it.each(steps(ofColdKeys))('a load of a cold key is not stored after $name $point', async (step) => {
    const scene = newScene();
    await run(scene, step);
    await nothingOld(scene, step);
  });

  it.each(steps(ofStaleValues))('a refresh is not stored after $name $point', async (step) => {
    const scene = newScene();
    const { key } = scene;
    await eventually('a stale value', async () => {
      await there.set(key, 'old', { ...TAGGED, ttl: 1 });
      for (const cache of [there, here]) if (!(await cache.getEntry(key))?.stale) return false;
      return true;
    });
    await run(scene, step);
    await nothingOld(scene, step);
  });

  it.each(steps([beforeTheRead, behindTheRead]).filter(({ by }) => way.hearsAnyone || by === 'a cache'))(
    'what is read of Redis is not kept after $name $point',
    async (step) => {
      const scene = newScene();
      await eventually('a value', async () => {
        await there.set(scene.key, 'old', TAGGED);
        return (await bare.get(scene.key)) === 'old';
      });
      const stopped = step.stop?.(proxy, scene.redisKey, '');
      const answer = here.get(scene.key);
      await stopped?.reached;
      const invalidated = step.invalidate(scene);
      if (!step.behind) await invalidated;
      stopped?.release();
      await Promise.all([invalidated, answer]);
      await nothingOld(scene, step);
    },
  );
});
