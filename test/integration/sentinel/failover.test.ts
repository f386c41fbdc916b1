import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createCache, type CacheManager, type CacheOptions, type RedisSentinelOptions } from 'tiercel';
import { startSentinel, type SentinelDeployment } from '../../../servers/redis-sentinel.js';
import { eventually } from '../../support/eventually.js';
import type { RedisServer } from '../../support/redis.js';
import { Opened } from '../../support/open-cache.js';
import { describeReport, Truth, type FaultReport } from '../../support/truth.js';
import { unhandledRejections } from '../../support/unhandled-rejections.js';

const DEADLINE = 250;
/** On a busy machine a call may take this much longer than its deadline. */
const SLACK = 450;
const MAX_STALE = 2000;
/** From the answer to an invalidation until the others have heard of it, on a busy machine. */
const HOP = 200;
const keys = Array.from({ length: 40 }, (_, i) => `k${i}`);

describe('a primary under Sentinel', () => {
  const opened = new Opened();
  let sentinels: SentinelDeployment;

  beforeEach(async () => {
    sentinels = await startSentinel();
  });
  afterEach(async () => {
    await opened.close();
    await sentinels.stop();
  });

  function sentinelOptions(): RedisSentinelOptions {
    const { name } = sentinels;
    return { sentinel: { name, nodes: sentinels.sentinels.map(({ host, port }) => ({ host, port })) } };
  }

  async function open(options: CacheOptions = {}): Promise<CacheManager> {
    const cache = createCache({ redis: sentinelOptions(), maxStaleWhenDisconnected: MAX_STALE, ...options });
    opened.add(() => cache.close());
    await cache.ready();
    return cache;
  }

  /** Runs the fault; everything must go well for everyone, and hits come back within a second of the promotion. */
  async function suffer(
    what: string,
    fault: () => Promise<void>,
    after: (goesOn: (calls: number) => Promise<void>) => Promise<void> = () => Promise.resolve(),
  ): Promise<FaultReport> {
    const [withMemory, withoutMemory, writer] = [await open(), await open({ memory: false }), await open()];
    const caches = [withMemory, withoutMemory, writer];
    let report: FaultReport | undefined;
    let back = 0;
    const unhandled = await unhandledRejections(async () => {
      report = await new Truth(keys).under([withMemory, withoutMemory], writer, async (goesOn) => {
        const before = await sentinels.primary();
        const promotion = sentinels.promoted(before);
        await fault();
        const primary = await promotion;
        const promoted = performance.now();
        // A value that is written is found again, and on the new primary: so they were asked of it. (Again and again, since
        // the old one may yet confirm what is lost with it.)
        const probes = caches.map((cache, i) =>
          eventually('a write is read again', async () => {
            await cache.set(`probe:${i}`, i).catch(() => undefined);
            if ((await primary.cli('EXISTS', `tiercel::probe:${i}`)) !== 1) return false;
            return cache !== withoutMemory || (await cache.getEntry(`probe:${i}`))?.layer === 'redis';
          }),
        );
        await Promise.all(probes);
        back = performance.now() - promoted;
        await after(goesOn);
        await pause(500);
      });
    });
    if (!report) throw new Error('there was no traffic');
    console.log(describeReport(what, report, back));
    expect(unhandled).toEqual([]);
    expect(report).toMatchObject({ failures: [], wrong: 0, ownStale: 0 });
    expect(report.worst).toBeLessThan(DEADLINE + SLACK);
    expect(report.stalest).toBeLessThan(MAX_STALE + HOP);
    expect(report.invalidated).toBeGreaterThan(30);
    expect(back).toBeLessThan(1000);
    return report;
  }

  it('is followed when Sentinel moves it while it works', async () => {
    await suffer('SENTINEL FAILOVER', async () => {
      await sentinels.sentinels[0]?.cli('SENTINEL', 'FAILOVER', sentinels.name);
    });
  });

  it('is followed when it is killed', async () => {
    await suffer('the primary killed', async () => {
      await (await sentinels.primary()).kill();
    });
  });

  it('is followed when it freezes, and nobody is served by it when it goes on with old data', async () => {
    const old = await sentinels.primary();
    await suffer(
      'the primary frozen, and thawed as a replica',
      () => old.freeze(),
      async (goesOn) => {
        await pause(500);
        await old.thaw();
        await goesOn(1000);
        await sentinels.healed();
        await goesOn(1000);
        expect(String(await old.cli('ROLE'))).toMatch(/^slave/);
      },
    );
  });

  it('is followed back again', async () => {
    await suffer(
      'the primary moved there and back',
      async () => {
        const [sentinel] = sentinels.sentinels;
        const [first] = sentinels.servers;
        await sentinel?.cli('SENTINEL', 'FAILOVER', sentinels.name);
        await sentinels.promoted(first);
        await sentinels.healed();
      },
      async () => {
        const before = await sentinels.primary();
        await sentinels.sentinels[1]?.cli('SENTINEL', 'FAILOVER', sentinels.name);
        await sentinels.promoted(before);
        await pause(300);
      },
    );
  });

  describe('that dies with what it had confirmed and not passed on', () => {
    /** The replica hears nothing of what happens to the primary, and then takes its place. */
    async function lose(happens: () => Promise<unknown>): Promise<RedisServer> {
      const [primary, replica] = sentinels.servers;
      await replica.freeze();
      // What is in its socket already it would still take in.
      await primary.cli('CLIENT', 'KILL', 'TYPE', 'replica');
      await happens();
      await primary.kill();
      await replica.thaw();
      return sentinels.promoted(primary);
    }
    const replicated = async (key: string): Promise<void> => {
      const [, replica] = sentinels.servers;
      await eventually('it is replicated', async () => (await replica.cli('EXISTS', key)) === 1);
    };

    /** By a process that is gone by then, so that it cannot tell the new primary anything. */
    async function store(names: readonly string[], tags: readonly string[]): Promise<void> {
      await using cache = createCache({ redis: sentinelOptions() });
      await cache.ready();
      for (const name of names) {
        await cache.set(name, 'old', { tags });
        await replicated(`tiercel::${name}`);
      }
      for (const tag of tags) await replicated(`tiercel:%tag::${tag}`);
    }

    it('tells the new one of deletes and writes again', async () => {
      await store(['deleted', 'written', 'untouched'], []);
      const writer = await open();
      await lose(async () => {
        expect(await writer.delete('deleted')).toBe(true);
        await writer.set('written', 'new');
      });
      const reader = await open({ memory: false });
      await eventually('the delete is told', async () => (await reader.get('deleted')) === undefined);
      await eventually('the write is told', async () => (await reader.get('written')) !== 'old');
      expect(await reader.get('untouched')).toBe('old');
      expect(await writer.getOrSet('written', () => 'new')).toBe('new');
    });

    it('tells the new one of tags again', async () => {
      await store(['k'], ['users']);
      await store(['untouched'], ['teams']);
      const writer = await open();
      await lose(() => writer.invalidateTags(['users']));
      const reader = await open({ memory: false });
      await eventually('the tag is told', async () => (await reader.get('k')) === undefined);
      expect(await reader.get('untouched')).toBe('old');
    });
  });

  it('is left at once when somebody else makes it a replica', async () => {
    const cache = await open();
    const [primary, replica] = sentinels.servers;
    // Too many would have to agree, so Sentinel looks on.
    await Promise.all(
      sentinels.sentinels.map((one) => one.cli('SENTINEL', 'SET', sentinels.name, 'quorum', '9')),
    );
    await replica.cli('REPLICAOF', 'NO', 'ONE');
    await primary.cli('REPLICAOF', replica.host, String(replica.port));
    await eventually('the write is refused', () =>
      cache.set('a', 1).then(
        () => false,
        (error: unknown) => String(error).includes('READONLY'),
      ),
    );
    await eventually('the link is lost', () => cache.stats().state === 'lost');
    // Sentinel still names it, and it says itself that it is none.
    const since = performance.now();
    while (performance.now() - since < 600) {
      expect(cache.stats().state).toBe('lost');
      await cache.get('a');
      await pause(2);
    }
    expect(await cache.getOrSet('a', () => 'loaded')).toBe('loaded');
  });
});
