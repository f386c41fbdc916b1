import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createCache } from 'tiercel';
import { KeySpace } from '../../../src/client/key-space.js';
import { BulkError, ServerError } from '../../../src/errors.js';
import {
  CachePreloader,
  type PreloadProgress,
  type PreloadTarget,
} from '../../../src/preload/cache-preloader.js';
import { FleetTurns, type TurnClaim } from '../../../src/preload/fleet-turns.js';
import type { PreloaderOptions, PreloadPattern } from '../../../src/preload/pattern.js';
import { openPort } from '../../../src/redis/open-port.js';
import type { RedisPort } from '../../../src/redis/port.js';
import { guardedLogger } from '../../../src/runtime/logger.js';
import { deferred } from '../../../servers/deferred.js';
import { eventually } from '../../support/eventually.js';
import { MemoryLogger } from '../../support/memory-logger.js';
import { PATIENT } from '../../support/open-cache.js';
import { sharedRedisUrl, uniquePrefix } from '../../support/redis.js';

/** Where entries end up, without the rest of a cache. */
class Store implements PreloadTarget {
  readonly entries = new Map<string, unknown>();
  readonly ttls = new Set<number>();
  calls = 0;

  async setMany(
    entries: Iterable<readonly [string, unknown]>,
    options: Parameters<PreloadTarget['setMany']>[1],
  ): Promise<void> {
    this.calls++;
    this.ttls.add(options.ttl);
    const failures = new Map<string, ServerError>();
    for (const [key, value] of entries) {
      if (key.startsWith('full')) failures.set(key, new ServerError('OOM'));
      else this.entries.set(key, value);
    }
    if (failures.size > 0) throw new BulkError(failures, 2, { operation: 'setMany' });
  }
}

/** So long that no turn ends while a test runs, whatever the time of day. */
const LONG = '300d';

describe('preloading', () => {
  let port: RedisPort;
  let other: RedisPort;
  let keys: KeySpace;
  let store: Store;
  const logger = new MemoryLogger();
  const opened: CachePreloader[] = [];

  beforeAll(async () => {
    port = openPort({ url: sharedRedisUrl(), ...PATIENT });
    other = openPort({ url: sharedRedisUrl(), ...PATIENT });
    await Promise.all([port.connect(), other.connect()]);
  });
  afterAll(() => Promise.all([port.close(), other.close()]));
  beforeEach(() => {
    keys = KeySpace.of(uniquePrefix());
    store = new Store();
    logger.lines.length = 0;
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((preloader) => preloader.stop()));
  });

  function open(
    patterns: readonly PreloadPattern[],
    options: PreloaderOptions = {},
    over: RedisPort | undefined = port,
  ): CachePreloader {
    const fleet = over && ((lease: number) => new FleetTurns(over, keys, lease));
    const preloader = new CachePreloader(
      { target: store, fleet, logger: guardedLogger(logger) },
      patterns,
      options,
    );
    opened.push(preloader);
    return preloader;
  }

  const idle = (preloader: CachePreloader) =>
    eventually('the turns', () =>
      preloader.status().every(({ state, runs }) => state === 'idle' && runs > 0),
    );

  it('stores what is loaded, in chunks, to live until the end of the turn after', async () => {
    const entries = Array.from({ length: 250 }, (_, i) => [`post:${i}`, { i }] as const);
    const preloader = open([{ name: 'posts', schedule: LONG, load: () => entries }], { chunkSize: 100 });
    const seen: PreloadProgress[] = [];
    preloader.onProgress((progress) => seen.push(progress));
    preloader.start();
    await idle(preloader);
    expect(store.entries.size).toBe(250);
    expect(store.calls).toBe(3);
    expect(store.ttls).toEqual(new Set([2 * 300 * 86_400_000]));
    expect(seen.map(({ written, total, ended }) => [written, total, ended])).toEqual([
      [0, 250, false],
      [100, 250, false],
      [200, 250, false],
      [250, 250, false],
      [250, 250, true],
    ]);
    expect(preloader.status()).toEqual([
      expect.objectContaining({ name: 'posts', state: 'idle', runs: 1, failures: 0, lastWritten: 250 }),
    ]);
  });

  it('says how far a turn is to whoever asks in the middle of it', async () => {
    let goOn = (): void => undefined;
    const held = new Promise<void>((resolve) => (goOn = resolve));
    const load = async function* (): AsyncGenerator<[string, number]> {
      for (let i = 0; i < 20; i++) yield [`k${i}`, i];
      await held;
      yield ['last', 20];
    };
    const preloader = open([{ name: 'held', schedule: LONG, load }], { chunkSize: 10 });
    expect(preloader.status()[0]?.progress).toBeUndefined();
    preloader.start();
    await eventually('two chunks', () => store.entries.size === 20);
    await eventually('word of them', () => preloader.status()[0]?.progress?.written === 20);
    expect(preloader.status()).toMatchObject([
      { state: 'running', runs: 0, progress: { written: 20, total: undefined, ended: false } },
    ]);
    goOn();
    await idle(preloader);
    expect(preloader.status()).toMatchObject([{ lastWritten: 21, progress: { written: 21, ended: true } }]);
  });

  it('has another turn by its schedule', async () => {
    let turns = 0;
    const preloader = open([{ name: 'often', schedule: 40, load: () => [['k', ++turns]] }]);
    preloader.start();
    await eventually('three turns', () => turns >= 3);
    await preloader.stop();
    const then = turns;
    expect(preloader.status()[0]).toMatchObject({ nextTurnAt: undefined });
    await eventually('time', () => Date.now() % 40 < 5);
    expect(turns).toBe(then);
  });

  it('begins with the highest priority, and runs no more at once than it may', async () => {
    const order: string[] = [];
    const pattern = (name: string, priority: number): PreloadPattern => ({
      name,
      priority,
      schedule: LONG,
      load: () => {
        order.push(name);
        return [];
      },
    });
    const preloader = open([pattern('low', 1), pattern('high', 9), pattern('middle', 5)], { concurrency: 1 });
    preloader.start();
    await idle(preloader);
    expect(order).toEqual(['high', 'middle', 'low']);
    expect(preloader.status().map(({ name }) => name)).toEqual(['high', 'middle', 'low']);
  });

  it('logs and counts a pattern that fails, and tries it again at its next turn', async () => {
    let turns = 0;
    const load = (): Array<[string, number]> => {
      if (++turns === 1) throw new Error('the database is away');
      return [['k', turns]];
    };
    const preloader = open([
      { name: 'shaky', schedule: 60, load },
      { name: 'steady', schedule: LONG, load: () => [['s', 1]] },
    ]);
    preloader.start();
    await eventually('the second turn', () => store.entries.has('k') && store.entries.has('s'));
    const shaky = preloader.status().find(({ name }) => name === 'shaky');
    expect(shaky?.failures).toBe(1);
    expect(logger.text).toMatch(/preload shaky failed, and is tried again at its next turn/);
  });

  it('fails no more once another process has run a later turn, which it tells of itself', async () => {
    const [ours, theirs] = [deferred<TurnClaim>(), deferred<TurnClaim>()];
    const claims = [ours.promise, theirs.promise];
    const fleet = {
      now: () => Date.now(),
      claim: async () => claims.shift() ?? 'done',
      finish: async () => undefined,
      extend: async () => true,
    } as unknown as FleetTurns;
    const load = (): never => {
      throw new Error('the database is away');
    };
    const preloader = new CachePreloader(
      { target: store, fleet: () => fleet, logger: guardedLogger(logger) },
      [{ name: 'shaky', schedule: 50, load }],
    );
    opened.push(preloader.start());
    ours.resolve('ours');
    await eventually('the failure', () => preloader.status()[0]?.failing);
    theirs.resolve('done');
    await eventually('word of the other', () => preloader.status()[0]?.failing === false);
    // What it saw itself stays as it was.
    expect(preloader.status()).toMatchObject([
      { runs: 1, failures: 1, lastError: new Error('the database is away') },
    ]);
  });

  it('says how many entries could not be stored, and stores the others', async () => {
    const preloader = open([
      {
        name: 'mixed',
        schedule: LONG,
        load: () =>
          new Map([
            ['a', 1],
            ['full', 2],
          ]),
      },
    ]);
    const ends: PreloadProgress[] = [];
    preloader.onProgress((progress) => progress.ended && ends.push(progress));
    await expect(preloader.runNow('mixed')).rejects.toThrow('1 of 2 entries could not be stored');
    expect([...store.entries.keys()]).toEqual(['a']);
    expect(ends).toMatchObject([{ written: 1, failed: 1, total: 2, error: expect.any(Error) }]);
    expect(preloader.status()).toMatchObject([{ failures: 1, lastWritten: 1, progress: ends[0] }]);
  });

  it('refuses keys that its keyPattern does not know', async () => {
    const preloader = open([
      { name: 'posts', schedule: LONG, keyPattern: 'post:*', load: () => [['user:1', 1]] },
    ]);
    await expect(preloader.runNow()).rejects.toThrow(/the key 'user:1' does not match 'post:\*'/);
    await expect(preloader.runNow('nobody')).rejects.toThrow(/no pattern has the name 'nobody'/);
  });

  it('runs a turn once over all processes', async () => {
    let loads = 0;
    const patterns: PreloadPattern[] = Array.from({ length: 10 }, (_, i) => ({
      name: `p${i}`,
      schedule: LONG,
      warmUp: true,
      load: async () => {
        loads++;
        await new Promise((resolve) => setImmediate(resolve));
        return [[`k${i}`, 1]];
      },
    }));
    const fleet = [open(patterns), open(patterns, {}, other), open(patterns, {}, other)];
    for (const preloader of fleet) preloader.start();
    await eventually('all', () => store.entries.size === 10);
    // Whoever comes later finds the turns done, and need not wait for anything.
    const late = open(patterns).start();
    await late.warmedUp();
    expect(loads).toBe(10);
  });

  it('lets another process take over the turn of one that dies, and not before', async () => {
    const stuck = deferred<never>();
    const dying = openPort({ url: sharedRedisUrl(), ...PATIENT });
    await dying.connect();
    const pattern = (load: PreloadPattern['load']): PreloadPattern => ({ name: 'p', schedule: LONG, load });
    const first = open([pattern(() => stuck.promise)], { lease: 300 }, dying);
    first.start();
    await eventually('the load', () => first.status()[0]?.state === 'running');
    let loads = 0;
    const second = open(
      [
        pattern(() => {
          loads++;
          return [['k', 1]];
        }),
      ],
      { lease: 300 },
    );
    second.start();
    await eventually('waiting', () => second.status()[0]?.state === 'elsewhere');
    // Twice its lease, and it is alive.
    const began = performance.now();
    await eventually('time', () => performance.now() > began + 600);
    expect(loads).toBe(0);
    await dying.close();
    await eventually('the takeover', () => loads === 1, 2000);
    await idle(second);
    expect(store.entries.get('k')).toBe(1);
    stuck.resolve(undefined as never);
  });

  it.each([
    ['a load', () => new Promise<never>(() => undefined)],
    [
      'a stream',
      async function* (): AsyncGenerator<[string, number]> {
        yield ['early', 1];
        await new Promise(() => undefined);
      },
    ],
  ])(
    'tells %s to stop when it is stopped, does not wait for one that will not, and leaves the turn to others',
    async (_what, hang) => {
      let told = false;
      const load: PreloadPattern['load'] = ({ signal }) => {
        signal.addEventListener('abort', () => (told = true));
        return hang();
      };
      const first = open([{ name: 'p', schedule: LONG, load }]);
      first.start();
      await eventually('the load', () => first.status()[0]?.state === 'running');
      await first.stop();
      expect(told).toBe(true);
      expect(first.status()).toMatchObject([{ failures: 1, failing: false }]);
      const second = open([{ name: 'p', schedule: LONG, load: () => [['k', 1]] }]).start();
      await idle(second);
    },
  );

  it('has a stream end in order when its turn fails', async () => {
    let ended = false;
    const load = async function* (): AsyncGenerator<[string, number]> {
      try {
        for (let i = 0; ; i++) yield [`other:${i}`, i];
      } finally {
        await new Promise((resolve) => setImmediate(resolve));
        ended = true;
      }
    };
    const preloader = open([{ name: 'p', schedule: LONG, keyPattern: 'post:*', load }]);
    await expect(preloader.runNow()).rejects.toThrow(/does not match/);
    expect(ended).toBe(true);
  });

  it('stops in the middle of a stream that gives nothing more, and has it end when it goes on', async () => {
    const more = deferred<undefined>();
    let ended = false;
    const load = async function* (): AsyncGenerator<[string, number]> {
      try {
        yield ['k', 1];
        await more.promise;
        yield ['l', 2];
      } finally {
        ended = true;
      }
    };
    const preloader = open([{ name: 'p', schedule: LONG, load }], { chunkSize: 1 }).start();
    await eventually('the first', () => store.entries.has('k'));
    await preloader.stop();
    more.resolve(undefined);
    await eventually('its end', () => ended);
    expect([...store.entries.keys()]).toEqual(['k']);
  });

  it('waits for the warm-up of the patterns that ask for it, and of no others', async () => {
    const never = deferred<never>();
    const preloader = open([
      { name: 'warm', schedule: LONG, warmUp: true, load: () => [['w', 1]] },
      { name: 'failing', schedule: LONG, warmUp: true, load: () => Promise.reject(new Error('no')) },
      { name: 'slow', schedule: LONG, load: () => never.promise },
    ]);
    await preloader.start().warmedUp();
    expect(store.entries.get('w')).toBe(1);
  });

  it('keeps ready() of the cache waiting for its warm-up', async () => {
    const loaded = deferred<Array<[string, number]>>();
    await using cache = createCache({
      redis: { url: sharedRedisUrl(), ...PATIENT },
      namespace: uniquePrefix(),
    });
    cache.preload([{ name: 'warm', schedule: LONG, warmUp: true, load: () => loaded.promise }]);
    let isReady = false;
    const ready = cache.ready().then(() => (isReady = true));
    // Long after Redis has answered.
    await cache.get('any');
    await pause(50);
    expect(isReady).toBe(false);
    loaded.resolve([['w', 1]]);
    await ready;
    expect(await cache.get('w')).toBe(1);
  });

  it('works without Redis, where every process runs every turn', async () => {
    const preloader = new CachePreloader({ target: store, fleet: undefined, logger: guardedLogger(logger) }, [
      { name: 'p', schedule: LONG, warmUp: true, load: () => [['k', 1]] },
    ]);
    opened.push(preloader);
    await preloader.start().warmedUp();
    expect(store.entries.get('k')).toBe(1);
  });
});
