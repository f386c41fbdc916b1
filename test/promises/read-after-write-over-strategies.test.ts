import { setImmediate as turn } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CacheManager } from 'tiercel';
import { waysToRedis, type WayToRedis } from '../support/clients.js';
import { eventually } from '../support/eventually.js';
import { GatedTable } from '../support/gated-table.js';
import { History } from '../support/history.js';
import { Opened } from '../support/open-cache.js';
import { sharedRedisUrl, uniquePrefix } from '../support/redis.js';
import { EAGER, refreshAhead, strategies, type Rows } from '../support/strategies.js';

/** For news to arrive, on a machine that is busy with all these readers and writers. */
const HOP = 1000;
const IDS = 4;
const TURNS = 60;
const [url] = waysToRedis as [WayToRedis];

const all = [
  ...strategies.map((strategy) => ({ strategy, name: strategy.name, entry: {} }) as const),
  // Nearly every read begins a load behind it.
  { strategy: refreshAhead, name: 'refresh-ahead all the time', entry: EAGER } as const,
];

describe.each(all)('read after write, by $name', ({ strategy, entry }) => {
  const opened = new Opened();
  let table: GatedTable<number>;
  /** Two processes, and one that keeps nothing in memory. */
  const processes = ['here', 'there', 'bare'] as const;
  let caches: CacheManager[];
  let rows: Array<Rows<number>>;

  beforeAll(async () => {
    table = new GatedTable();
    if (entry === EAGER) table.takes = 20;
    const namespace = uniquePrefix();
    caches = await Promise.all(
      processes.map((name) =>
        opened.cache(url, sharedRedisUrl(), { namespace, ...(name === 'bare' ? { memory: false } : {}) }),
      ),
    );
    rows = caches.map((cache) => strategy.open(cache, table, entry));
  });
  afterAll(() => opened.close());

  it('a write is read at once by its own process and by one that has nothing in memory', async () => {
    const [here, there, bare] = rows as [Rows<number>, Rows<number>, Rows<number>];
    for (let value = 1; value <= 10; value++) {
      const writer = value % 2 === 0 ? here : there;
      await writer.save(100, value);
      expect(await writer.get(100)).toBe(value);
      expect(await bare.get(100)).toBe(value);
      expect((await bare.getMany([100, 101])).get(100)).toBe(value);
    }
    await here.remove(100);
    expect(await here.get(100)).toBeUndefined();
    expect(await bare.get(100)).toBeUndefined();
    await here.flush();
    expect(table.rows.has(100)).toBe(false);
    expect(await bare.get(100)).toBeUndefined();
  });

  it('a write is read while it waits for the database, and when it has reached it', async () => {
    const [here, there, bare] = rows as [Rows<number>, Rows<number>, Rows<number>];
    await here.save(200, 1);
    await here.flush();
    const stop = table.stop('before the commit');
    const written = there.save(200, 2);
    if (strategy.isBehind) await written;
    await stop.reached;
    // Not done, so it is as if it had not begun; done, and it is the truth though the database does not have it.
    const expected = strategy.isBehind ? 2 : 1;
    expect(table.rows.get(200)).toBe(1);
    expect(await there.get(200)).toBe(expected);
    expect(await bare.get(200)).toBe(expected);
    stop.release();
    await written;
    await there.flush();
    expect(table.rows.get(200)).toBe(2);
    for (const reader of [there, bare]) expect(await reader.get(200)).toBe(2);
  });

  it('of many readers and writers at once no reader goes back in time, and all end where the database does', async () => {
    const history = new History(HOP);
    // Behind, a write is replaced by a later one before the database has it.
    if (!strategy.isBehind) table.onSaved = history.committed;
    // Statements overlap in ever another way.
    table.atEach = async () => {
      for (let left = Math.floor(Math.random() * 4); left > 0; left--) await turn();
    };
    const writers = Array.from({ length: 6 }, async (_, writer) => {
      const place = writer % rows.length;
      for (let i = 0; i < TURNS / 3; i++) {
        // Where writers of one row may not overlap each has rows of its own.
        const id = strategy.ordersWriters ? Math.floor(Math.random() * IDS) : writer;
        await history.write(processes[place] as string, id, (value) =>
          (rows[place] as Rows<number>).save(id, value),
        );
        await turn();
      }
    });
    const readers = Array.from({ length: 12 }, async (_, reader) => {
      const place = reader % rows.length;
      const read = history.reader(processes[place] as string);
      for (let i = 0; i < TURNS; i++) {
        const id = Math.floor(Math.random() * IDS);
        await read(id, () => (rows[place] as Rows<number>).get(id));
        await turn();
      }
    });
    await Promise.all([...writers, ...readers]);
    await (rows[0] as Rows<number>).flush();
    expect(history.anomalies).toEqual([]);
    for (let id = 0; id < IDS; id++) {
      for (const one of rows) {
        await eventually(`row ${id}`, async () => (await one.get(id)) === table.rows.get(id), HOP);
      }
    }
  });
});
