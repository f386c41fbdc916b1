import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CacheManager } from 'tiercel';
import { waysToRedis, type WayToRedis } from '../support/clients.js';
import { eventually } from '../support/eventually.js';
import { GatedTable } from '../support/gated-table.js';
import { CacheChild } from '../support/load-in-child.js';
import { Opened } from '../support/open-cache.js';
import { sharedRedisUrl, uniquePrefix } from '../support/redis.js';
import { EAGER, refreshAhead, strategies, type Rows } from '../support/strategies.js';

const CALLERS = 50;
const [url] = waysToRedis as [WayToRedis];
const many = <T>(ask: () => T): T[] => Array.from({ length: CALLERS }, ask);

describe('P1 one load, over strategies', () => {
  const namespace = uniquePrefix();
  const opened = new Opened();
  let child: CacheChild;
  let caches: CacheManager[];
  let count = 0;

  beforeAll(async () => {
    const open = (): Promise<CacheManager> => opened.cache(url, sharedRedisUrl(), { namespace, ttl: '1h' });
    caches = await Promise.all([open(), open()]);
    child = await CacheChild.start(sharedRedisUrl(), 'a URL by tracking', namespace);
  });
  afterAll(async () => {
    child.kill();
    await opened.close();
  });

  describe.each(strategies)('$name', (strategy) => {
    let table: GatedTable<string>;
    let here: Rows<string>;
    let there: Rows<string>;

    beforeAll(() => {
      table = new GatedTable();
      [here, there] = caches.map((cache) => strategy.open(cache, table)) as [Rows<string>, Rows<string>];
    });

    /** Rows that nobody has asked for, each with a value of its own. */
    function coldRows(size: number): number[] {
      const ids = Array.from({ length: size }, () => count++);
      for (const id of ids) table.rows.set(id, `row ${id}`);
      table.loaded.length = 0;
      table.calls = 0;
      return ids;
    }

    const waits = (): number => caches.reduce((sum, cache) => sum + cache.stats().counters.leaseWaits, 0);

    it('of the callers in three processes one loads, and all have its value', async () => {
      const [id] = coldRows(1) as [number];
      const order = { key: String(id), callers: CALLERS, takes: 20, strategy: strategy.name };
      const stop = table.stop('behind the read');
      const asked = [...many(() => here.get(id)), ...many(() => there.get(id))];
      const report = child.do(order);
      const before = waits();
      // Whoever has the lease, the load of a process here is not over before another of the three has come upon it.
      const first = await Promise.race([stop.reached.then(() => 'here'), report.then(() => 'the child')]);
      if (first === 'here') await eventually('one that waits', () => waits() > before);
      stop.release();
      const { loads, values } = await report;
      expect(loads + table.loaded.length).toBe(1);
      expect(new Set([...values, ...(await Promise.all(asked))]).size).toBe(1);
    });

    it('of many rows that two processes ask for at once each is loaded once', async () => {
      const ids = coldRows(20);
      const halves = [ids, ids.toReversed()] as const;
      const answers = await Promise.all([
        here.getMany(halves[0]),
        there.getMany(halves[1]),
        ...ids.map((id) => here.get(id).then((value) => new Map([[id, value]]))),
      ]);
      for (const answer of answers) for (const [id, value] of answer) expect(value).toBe(`row ${id}`);
      expect(answers[0].size).toBe(20);
      expect(table.loaded.toSorted((a, b) => a - b)).toEqual(ids);
    });

    it.runIf(strategy.loadsMany)('what one process misses is loaded in one call', async () => {
      const ids = coldRows(20);
      await there.get(ids[3] as number);
      await there.get(ids[7] as number);
      table.calls = 0;
      expect([...(await here.getMany(ids)).values()]).toEqual(ids.map((id) => `row ${id}`));
      expect(table.calls).toBe(1);
      expect(table.loaded).toHaveLength(20);
    });

    it(`of the callers after a write ${strategy.findsWrites ? 'none loads' : 'one loads'}`, async () => {
      const [id] = coldRows(1) as [number];
      await here.get(id);
      await there.get(id);
      // A write that waits for the database is found while it waits.
      const stop = strategy.isBehind ? table.stop('before the commit') : undefined;
      await here.save(id, 'new');
      table.loaded.length = 0;
      const asked = many(() => here.get(id));
      expect(new Set(await Promise.all(asked))).toEqual(new Set(['new']));
      await eventually('the news', async () => (await there.get(id)) === 'new');
      stop?.release();
      await here.flush();
      expect(table.loaded).toHaveLength(strategy.findsWrites ? 0 : 1);
    });
  });

  it('of the readers of what is about to expire one loads, and none waits for it', async () => {
    const table = new GatedTable<string>();
    // With memory a process decides once for its copy whether it is time, and without at every read.
    const bare = await opened.cache(url, sharedRedisUrl(), { namespace, memory: false });
    const [here, there] = [caches[0] as CacheManager, bare].map((cache) =>
      refreshAhead.open(cache.namespace('eager'), table, EAGER),
    ) as [Rows<string>, Rows<string>];
    table.rows.set(1, 'old');
    table.takes = 20;
    await here.get(1);
    const stop = table.stop('before the read');
    let isReached = false;
    void stop.reached.then(() => (isReached = true));
    table.mostAtOnce = 0;
    await eventually('a refresh', async () => {
      await Promise.all([here.get(1), there.get(1)]);
      return isReached;
    });
    const before = table.calls;
    // Its load stands still, so whoever waited for it would wait for ever.
    try {
      for (let round = 0; round < 20; round++) {
        await Promise.all([...many(() => here.get(1)), ...many(() => there.get(1))]);
        // What that began behind their backs has asked Redis by then whether it may load.
        await bare.ttl('any');
      }
      await bare.ttl('any');
      expect(table.calls).toBe(before);
      expect(table.mostAtOnce).toBe(1);
    } finally {
      stop.release();
    }
  });
});
