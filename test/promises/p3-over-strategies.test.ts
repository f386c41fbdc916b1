import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CacheManager } from 'tiercel';
import { waysToRedis, type WayToRedis } from '../support/clients.js';
import { eventually } from '../support/eventually.js';
import { GatedTable } from '../support/gated-table.js';
import { Opened } from '../support/open-cache.js';
import { sharedRedisUrl, uniquePrefix } from '../support/redis.js';
import { strategies, type Rows } from '../support/strategies.js';

/** One network hop, on a machine that may be busy with other things. */
const HOP = 500;
const [url] = waysToRedis as [WayToRedis];

describe('P3 bounded staleness, over strategies', () => {
  const opened = new Opened();
  const namespace = uniquePrefix();
  let caches: CacheManager[];

  beforeAll(async () => {
    const open = (): Promise<CacheManager> => opened.cache(url, sharedRedisUrl(), { namespace, ttl: '1h' });
    caches = await Promise.all([open(), open()]);
  });
  afterAll(() => opened.close());

  describe.each(strategies)('$name', (strategy) => {
    let table: GatedTable<string>;
    let here: Rows<string>;
    let there: Rows<string>;

    beforeAll(() => {
      table = new GatedTable();
      [here, there] = caches.map((cache) => strategy.open(cache, table)) as [Rows<string>, Rows<string>];
    });

    /** The other process serves it from its memory. */
    const copied = (id: number, value: string): Promise<unknown> =>
      eventually(
        'a copy',
        async () => (await there.get(id)) === value && caches[1]?.peek(there.key(id)) === value,
      );
    /** Nobody asks Redis meanwhile: the other process must be told. */
    const gone = (id: number, value: string): Promise<unknown> =>
      eventually('the copy is gone', () => caches[1]?.peek(there.key(id)) !== value, HOP);

    it('a copy goes one hop after another process wrote the row, and the new value is kept', async () => {
      table.rows.set(1, 'zero');
      let before = 'zero';
      for (const value of ['one', 'two', 'three']) {
        await copied(1, before);
        await here.save(1, value);
        await gone(1, before);
        expect(await there.get(1)).toBe(value);
        before = value;
      }
      await here.flush();
      await copied(1, 'three');
    });

    it('a copy goes one hop after another process removed the row', async () => {
      table.rows.set(2, 'old');
      await copied(2, 'old');
      await here.remove(2);
      await gone(2, 'old');
      expect(await there.get(2)).toBeUndefined();
      await here.flush();
      expect(await there.get(2)).toBeUndefined();
    });

    it('a copy goes one hop after a write that the database does not have yet, or not before it has it', async () => {
      table.rows.set(3, 'old');
      await copied(3, 'old');
      const stop = table.stop('before the commit');
      const written = here.save(3, 'new');
      if (strategy.isBehind) await written;
      await stop.reached;
      if (strategy.isBehind) {
        await gone(3, 'old');
        expect(await there.get(3)).toBe('new');
      } else {
        // Were the cache first, readers would be given what may never be.
        expect(caches[1]?.peek(there.key(3))).toBe('old');
        expect(await there.get(3)).toBe('old');
      }
      stop.release();
      await written;
      await gone(3, 'old');
      await here.flush();
      expect(await there.get(3)).toBe('new');
    });
  });
});
