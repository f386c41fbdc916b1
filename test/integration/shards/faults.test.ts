import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ConsistentHash, createCache, type CacheManager } from 'tiercel';
import { eventually } from '../../support/eventually.js';
import { Opened } from '../../support/open-cache.js';
import { startRedis, uniquePrefix, type RedisServer } from '../../support/redis.js';
import { describeReport, Truth, type FaultReport } from '../../support/truth.js';
import { unhandledRejections } from '../../support/unhandled-rejections.js';

const NAMES = ['a', 'b', 'c'];
const DEADLINE = 250;
/** On a busy machine a call may take this much longer than its deadline. */
const SLACK = 450;
const MAX_STALE = 2000;
/** From the answer to an invalidation until the others have heard of it, on a busy machine. */
const HOP = 200;

describe('shards under traffic', () => {
  const opened = new Opened();
  let servers: RedisServer[];
  let namespace: string;
  let keys: string[];
  let lostKeys: string[];

  beforeAll(async () => {
    servers = await Promise.all(NAMES.map(() => startRedis()));
  });
  afterAll(() => Promise.all(servers.map((server) => server.stop())));
  afterEach(() => opened.close());

  async function open(options: { memory?: false } = {}): Promise<CacheManager> {
    const shards = NAMES.map((name, i) => ({ name, url: servers[i]?.url ?? '' }));
    const cache = createCache({
      redis: { shards },
      namespace,
      maxStaleWhenDisconnected: MAX_STALE,
      ...options,
    });
    opened.add(() => cache.close());
    await cache.ready();
    return cache;
  }

  /** Runs the fault on the shard `b`; everything must go well for everyone, and hits of its keys come back by themselves. */
  async function suffer(
    what: string,
    fault: (shard: RedisServer, goesOn: (calls: number) => Promise<void>) => Promise<void>,
  ): Promise<FaultReport> {
    namespace = uniquePrefix();
    const ring = new ConsistentHash(NAMES);
    keys = Array.from({ length: 60 }, (_, i) => `k${i}`);
    lostKeys = keys.filter((key) => ring.get(`${namespace}::${key}`) === 'b');
    const [withMemory, withoutMemory, writer] = [await open(), await open({ memory: false }), await open()];
    let othersHit = 0;
    let report: FaultReport | undefined;
    let back = 0;
    const unhandled = await unhandledRejections(async () => {
      report = await new Truth(keys).under([withMemory, withoutMemory], writer, async (goesOn) => {
        const stopCounting = withoutMemory.onRead(({ key, layer }) => {
          if (layer === 'redis' && !lostKeys.includes(key)) othersHit++;
        });
        await fault(servers[1] as RedisServer, goesOn);
        stopCounting();
        const returned = performance.now();
        await new Promise<void>((resolve) => {
          const stop = withoutMemory.onRead(({ key, layer }) => {
            if (layer !== 'redis' || !lostKeys.includes(key)) return;
            stop();
            resolve();
          });
        });
        back = performance.now() - returned;
        await eventually('all is well again', () => writer.stats().state === 'ready');
      });
    });
    if (!report) throw new Error('there was no traffic');
    console.log(describeReport(what, report, back));
    expect(unhandled).toEqual([]);
    expect(report).toMatchObject({ failures: [], wrong: 0, ownStale: 0 });
    expect(report.worst).toBeLessThan(DEADLINE + SLACK);
    expect(back).toBeLessThan(1000);
    // The other shards served all the while.
    expect(othersHit).toBeGreaterThan(100);
    expect(report.invalidated).toBeGreaterThan(50);
    return report;
  }

  it('one gone and back empty is a miss and a load of its own keys meanwhile', async () => {
    const { stalest, refused } = await suffer('a shard gone and back', async (shard, goesOn) => {
      await shard.kill();
      await pause(2500);
      await goesOn(1000);
      await shard.restart();
    });
    expect(refused).toBeGreaterThan(0);
    expect(stalest).toBeLessThan(MAX_STALE + HOP);
  });

  it('one frozen and thawed keeps no caller waiting but for the first deadline', async () => {
    const { stalest } = await suffer('a shard frozen and thawed', async (shard, goesOn) => {
      await shard.freeze();
      await pause(MAX_STALE + 1500);
      await goesOn(1000);
      await shard.thaw();
    });
    expect(stalest).toBeLessThan(MAX_STALE + HOP);
  });

  it('one gone with more invalidations than can be kept leaves the others as they are', async () => {
    namespace = uniquePrefix();
    const ring = new ConsistentHash(NAMES);
    const cache = await open({ memory: false });
    const others = Array.from({ length: 100 }, (_, i) => `k${i}`).filter(
      (key) => ring.get(`${namespace}::${key}`) !== 'b',
    );
    await cache.setMany(others.map((key) => [key, key]));
    const [, shard] = servers;
    await shard?.kill();
    await eventually('the loss', () => cache.stats().state === 'degraded');
    const gone: string[] = [];
    for (let i = 0; gone.length <= 10_000; i++) {
      if (ring.get(`${namespace}::gone:${i}`) === 'b') gone.push(`gone:${i}`);
    }
    await expect(cache.deleteMany(gone)).rejects.toMatchObject({ code: 'TIERCEL_BULK' });
    for (const key of others) expect((await cache.getEntry(key))?.layer).toBe('redis');
    await shard?.restart();
    // All of its keys are cleared before one of them is read again; those of the others are not.
    await shard?.cli('SET', `${namespace}::${gone[0]}`, 'something');
    await eventually('it is read again', async () => {
      await cache.set(gone[1] ?? '', 'new').catch(() => undefined);
      return (await cache.get(gone[1] ?? '')) === 'new';
    });
    expect(await shard?.cli('EXISTS', `${namespace}::${gone[0]}`)).toBe(0);
    for (const key of others) expect((await cache.getEntry(key))?.layer).toBe('redis');
  });

  it('one cut off again and again loses nothing', async () => {
    const { stalest } = await suffer('a shard cut off five times', async (shard, goesOn) => {
      for (let i = 0; i < 5; i++) {
        await shard.cli('CLIENT', 'KILL', 'TYPE', 'normal');
        await pause(200);
        await goesOn(300);
      }
    });
    expect(stalest).toBeLessThan(MAX_STALE + HOP);
  });
});
