import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CacheManager } from 'tiercel';
import { waysToRedis, type WayToRedis } from '../support/clients.js';
import { eventually } from '../support/eventually.js';
import { GatedTable } from '../support/gated-table.js';
import { Opened } from '../support/open-cache.js';
import { startRedis, type RedisServer } from '../support/redis.js';
import { strategies, type Rows, type Strategy } from '../support/strategies.js';

const DEADLINE = 250;
/** On a busy machine a call may take this much longer than its deadline; a hang takes for ever. */
const SLACK = 450;
const [url] = waysToRedis as [WayToRedis];
const WARM = 1;
const COLD = 2;
const REMOVED = 3;

interface Outcome {
  readonly took: number;
  readonly value: unknown;
  readonly error: unknown;
}

async function timed(call: () => Promise<unknown>): Promise<Outcome> {
  const began = performance.now();
  try {
    const value = await call();
    return { took: performance.now() - began, value, error: undefined };
  } catch (error) {
    return { took: performance.now() - began, value: undefined, error };
  }
}

/** What one strategy's callers met while Redis was away. */
interface Met {
  readonly cold: Outcome;
  readonly saved: Outcome;
  readonly removed: Outcome;
  /** Read by the process that wrote, right after. */
  readonly own: Outcome;
  readonly ownRemoved: Outcome;
  /** By one that did not. */
  readonly others: Outcome;
}

const outages = [
  ['stopped', (server: RedisServer) => server.freeze(), (server: RedisServer) => server.thaw()],
  ['gone', (server: RedisServer) => server.kill(), (server: RedisServer) => server.restart()],
] as const;

describe.each(outages)('P4, P5 and P6 over strategies, while Redis is %s', (_, begin, end) => {
  const opened = new Opened();
  const table = new Map<Strategy, GatedTable<string>>();
  const met = new Map<Strategy, Met>();
  let server: RedisServer;
  let caches: { readonly here: CacheManager; readonly there: CacheManager };
  const here = new Map<Strategy, Rows<string>>();
  const there = new Map<Strategy, Rows<string>>();
  /** One outage is enough for all: each has rows of its own, and they do not wait for each other. */
  const each = (work: (strategy: Strategy) => Promise<unknown>): Promise<unknown> =>
    Promise.all(strategies.map((strategy) => work(strategy)));
  const of = <V>(map: ReadonlyMap<Strategy, V>, strategy: Strategy): V => map.get(strategy) as V;

  beforeAll(async () => {
    server = await startRedis({ appendonly: true });
    const open = (): Promise<CacheManager> =>
      opened.cache(url, server.url, { namespace: 'shop', ttl: '1h' }, { retryDelay: { min: 5, max: 20 } });
    const [first, second] = await Promise.all([open(), open()]);
    caches = { here: first, there: second };
    for (const strategy of strategies) {
      const rows = new GatedTable<string>();
      for (const id of [WARM, COLD, REMOVED]) rows.rows.set(id, 'old');
      table.set(strategy, rows);
      here.set(strategy, strategy.open(first, rows));
      there.set(strategy, strategy.open(second, rows));
    }
    for (const [rows, cache] of [
      [here, first],
      [there, second],
    ] as const) {
      for (const strategy of strategies) {
        for (const id of [WARM, REMOVED]) {
          await eventually('a copy', async () => {
            await of(rows, strategy).get(id);
            return cache.peek(of(rows, strategy).key(id)) === 'old';
          });
        }
      }
    }
    await begin(server);
    await each(async (strategy) => {
      const mine = of(here, strategy);
      const cold = await timed(() => mine.get(COLD));
      const [saved, removed] = await Promise.all([
        timed(() => mine.save(WARM, 'new')),
        timed(() => mine.remove(REMOVED)),
      ]);
      const [own, ownRemoved, others] = await Promise.all([
        timed(() => mine.get(WARM)),
        timed(() => mine.get(REMOVED)),
        timed(() => of(there, strategy).get(COLD)),
      ]);
      met.set(strategy, { cold, saved, removed, own, ownRemoved, others });
    });
  });
  afterAll(async () => {
    await opened.close();
    await server.stop();
  });

  it.each(strategies)('$name: readers have the row from the database by the deadline', (strategy) => {
    const { cold, others } = of(met, strategy);
    for (const { took, value, error } of [cold, others]) {
      expect(error).toBeUndefined();
      expect(value).toBe('old');
      expect(took).toBeLessThan(DEADLINE + SLACK);
    }
  });

  it.each(strategies)('$name: a write tells the truth about itself, by the deadline', (strategy) => {
    const { saved, removed } = of(met, strategy);
    const { rows } = of(table, strategy);
    for (const { took } of [saved, removed]) expect(took).toBeLessThan(DEADLINE + SLACK);
    if (strategy.isBehind) {
      // Redis does not hold it, or cannot say so: it is not acknowledged, and not written past it.
      for (const { error } of [saved, removed]) {
        expect(error).toMatchObject({ code: expect.stringMatching(/^TIERCEL_(CONNECTION|DEADLINE)$/) });
      }
      expect([rows.get(WARM), rows.get(REMOVED)]).toEqual(['old', 'old']);
      return;
    }
    expect([rows.get(WARM), rows.get(REMOVED)]).toEqual(['new', undefined]);
    for (const { error } of [saved, removed]) {
      // Whose own calls these are is told what became of each.
      if (strategy.tellsOfRedis) expect(error).toMatchObject({ code: expect.stringMatching(/^TIERCEL_/) });
      else expect(error).toBeUndefined();
    }
  });

  it.each(strategies)('$name: the process that wrote reads what the database has', (strategy) => {
    const { own, ownRemoved } = of(met, strategy);
    for (const { took, error } of [own, ownRemoved]) {
      expect(error).toBeUndefined();
      expect(took).toBeLessThan(DEADLINE + SLACK);
    }
    const expected = strategy.isBehind ? ['old', 'old'] : ['new', undefined];
    expect([own.value, ownRemoved.value]).toEqual(expected);
  });

  describe('and when it is back', () => {
    beforeAll(() => end(server));

    it.each(strategies)('$name: nobody is served what was invalidated meanwhile', async (strategy) => {
      const { rows } = of(table, strategy);
      const served = (): Promise<unknown[]> =>
        Promise.all([here, there].flatMap((one) => [WARM, REMOVED].map((id) => of(one, strategy).get(id))));
      // Of a write that was refused the outcome may have been unknown: then it is done now, and by everyone's account.
      await eventually('the news', async () => {
        await of(here, strategy).flush();
        const truth = [rows.get(WARM), rows.get(REMOVED)];
        const all = await served();
        return JSON.stringify(all) === JSON.stringify([...truth, ...truth]);
      });
      if (!strategy.isBehind) expect(rows.get(WARM)).toBe('new');
      // Nor what Redis holds.
      const held = await server.cli('GET', `shop::${of(here, strategy).key(WARM)}`);
      if (rows.get(WARM) === 'new') expect(JSON.stringify(held)).not.toContain('old');
      for (const cache of [caches.here, caches.there]) {
        const copy = cache.peek(of(here, strategy).key(WARM));
        if (copy !== undefined) expect(copy).toBe(rows.get(WARM));
      }
    });

    it.each(strategies)('$name: writes go on', async (strategy) => {
      await of(here, strategy).save(WARM, 'newer');
      expect(await of(here, strategy).get(WARM)).toBe('newer');
      await of(here, strategy).flush();
      await eventually('the news', async () => (await of(there, strategy).get(WARM)) === 'newer');
      expect(of(table, strategy).rows.get(WARM)).toBe('newer');
    });
  });
});
