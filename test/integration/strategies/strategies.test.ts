import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createCache, type CacheManager, type CacheOptions, type Resource } from 'tiercel';
import { deferred } from '../../../servers/deferred.js';
import { eventually } from '../../support/eventually.js';
import { startRedis, type RedisServer } from '../../support/redis.js';

interface Row {
  readonly n: number;
}

/** A database that can be made slow at any step, and refuse. */
class Database {
  readonly rows = new Map<number, Row>();
  loads = 0;
  beforeRead: () => Promise<unknown> = async () => undefined;
  beforeAnswer: () => Promise<unknown> = async () => undefined;
  beforeCommit: () => Promise<unknown> = async () => undefined;

  readonly load = async (id: number): Promise<Row | undefined> => {
    this.loads++;
    await this.beforeRead();
    const row = this.rows.get(id);
    await this.beforeAnswer();
    return row;
  };

  readonly save = async (id: number, row: Row | undefined): Promise<void> => {
    await this.beforeCommit();
    if (row) this.rows.set(id, row);
  };

  readonly remove = async (id: number): Promise<void> => {
    await this.beforeCommit();
    this.rows.delete(id);
  };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const someTurns = async (): Promise<void> => {
  for (let left = Math.floor(Math.random() * 4); left > 0; left--) await turn();
};
/** One network hop and what the machine does besides. */
const HOP = 500;

describe.each(['around', 'through', 'behind'] as const)('write-%s', (write) => {
  let server: RedisServer;
  let database: Database;
  const caches: CacheManager[] = [];

  beforeAll(async () => {
    server = await startRedis({ config: { appendonly: 'yes' } });
  });
  afterAll(() => server.stop());
  beforeEach(async () => {
    await server.cli('FLUSHALL');
    database = new Database();
  });
  afterEach(async () => {
    for (const cache of caches.splice(0)) await cache.close();
  });

  async function open(options: CacheOptions = {}): Promise<Resource<number, Row | undefined>> {
    const cache = createCache({
      redis: { url: server.url, commandTimeout: '2s' },
      namespace: 'shop',
      ttl: '1h',
      ...options,
    });
    caches.push(cache);
    await cache.ready();
    const { load, save, remove } = database;
    const behind =
      write === 'behind'
        ? { behind: { pollInterval: 5, maxAttempts: 3, retryDelay: { min: 5, max: 10 } } }
        : {};
    return cache.resource('row', { load, save, remove, write, ...behind } as const);
  }

  /** The database has all that was acknowledged. */
  const written = async (rows: Resource<number, Row | undefined>): Promise<void> => {
    if (write === 'behind') expect(await rows.flush()).toBe(0);
  };

  it('is read back at once, by this process and by another that has nothing in memory', async () => {
    const [here, there] = await Promise.all([open(), open({ memory: false })]);
    for (let n = 1; n <= 20; n++) {
      await here.save(1, { n });
      expect(await here.get(1)).toEqual({ n });
      expect(await there.get(1)).toEqual({ n });
    }
    await written(here);
    expect(database.rows.get(1)).toEqual({ n: 20 });
    expect(await there.get(1)).toEqual({ n: 20 });
  });

  it('is read back one hop later by another process that had a copy', async () => {
    const [here, there] = await Promise.all([open(), open()]);
    await here.save(1, { n: 1 });
    await there.get(1);
    await here.save(1, { n: 2 });
    await eventually('the new value', async () => (await there.get(1))?.n === 2, HOP);
  });

  it('is not undone by a load that began before it, in whichever process', async () => {
    const [here, there, third] = await Promise.all([open(), open(), open()]);
    database.rows.set(1, { n: 1 });
    const go = deferred<undefined>();
    database.beforeAnswer = () => go.promise;
    const old = there.get(1);
    await eventually('the load', () => database.loads === 1);
    await here.save(1, { n: 2 });
    go.resolve(undefined);
    await old;
    database.beforeAnswer = async () => undefined;
    await written(here);
    for (const rows of [here, there, third]) {
      await eventually('the new value', async () => (await rows.get(1))?.n === 2, HOP);
    }
  });

  it('of many writers and readers at once leaves in the cache what the database has', async () => {
    const all = await Promise.all([open(), open(), open({ memory: false })]);
    database.beforeCommit = someTurns;
    database.beforeRead = someTurns;
    database.beforeAnswer = someTurns;
    let n = 0;
    await Promise.all(
      all.flatMap((rows) =>
        Array.from({ length: 5 }, async () => {
          for (let i = 0; i < 60; i++) {
            const id = Math.floor(Math.random() * 4);
            if (Math.random() < 0.4) await rows.save(id, { n: n++ });
            else await rows.get(id);
            await someTurns();
          }
        }),
      ),
    );
    await written(all[0]);
    for (let id = 0; id < 4; id++) {
      for (const rows of all) {
        await eventually(`row ${id}`, async () => (await rows.get(id))?.n === database.rows.get(id)?.n, HOP);
      }
    }
  });

  it('of a database that refuses leaves nothing of the new value behind', async () => {
    const [here, there] = await Promise.all([open(), open()]);
    database.rows.set(1, { n: 1 });
    await here.get(1);
    database.beforeCommit = () => Promise.reject(new Error('constraint violated'));
    if (write === 'behind') {
      // Acknowledged, and seen until the database has refused it for good.
      await here.save(1, { n: 2 });
      expect(await there.get(1)).toEqual({ n: 2 });
      await eventually('the dead letter', async () => (await here.backlog()).dead === 1);
    } else {
      await expect(here.save(1, { n: 2 })).rejects.toThrow('constraint violated');
      await expect(here.remove(1)).rejects.toThrow('constraint violated');
    }
    expect(await here.get(1)).toEqual({ n: 1 });
    await eventually('the row as it is', async () => (await there.get(1))?.n === 1, HOP);
  });

  it('while Redis is gone', async () => {
    const [here, there] = await Promise.all([open(), open()]);
    await here.save(1, { n: 1 });
    await written(here);
    await Promise.all([here.get(1), there.get(1)]);
    await server.kill();
    try {
      if (write === 'behind') {
        // Never acknowledged by a Redis that does not hold it.
        await expect(here.save(1, { n: 2 })).rejects.toMatchObject({ code: 'TIERCEL_CONNECTION' });
        return;
      }
      const began = performance.now();
      await here.save(1, { n: 2 });
      expect(performance.now() - began).toBeLessThan(2500);
      expect(database.rows.get(1)).toEqual({ n: 2 });
      expect(await here.get(1)).toEqual({ n: 2 });
    } finally {
      await server.restart();
    }
    // The invalidation was kept: nobody is given what Redis had.
    for (const rows of [here, there]) {
      await eventually('the new value', async () => (await rows.get(1))?.n === 2, 5000);
    }
  });

  it('removes from the database and from every reader', async () => {
    const [here, there] = await Promise.all([open(), open({ memory: false })]);
    await here.save(1, { n: 1 });
    await here.get(1);
    await here.remove(1);
    expect(await here.get(1)).toBeUndefined();
    expect(await there.get(1)).toBeUndefined();
    await written(here);
    expect(database.rows.has(1)).toBe(false);
    expect(await there.get(1)).toBeUndefined();
  });
});

describe('a resource that is written', () => {
  const caches: CacheManager[] = [];
  let server: RedisServer;

  beforeAll(async () => {
    server = await startRedis({ config: { appendonly: 'yes' } });
  });
  afterAll(() => server.stop());
  afterEach(async () => {
    for (const cache of caches.splice(0)) await cache.close();
    await server.cli('FLUSHALL');
  });

  async function open(options: CacheOptions = {}): Promise<CacheManager> {
    const cache = createCache({
      redis: { url: server.url, commandTimeout: '2s' },
      namespace: 'shop',
      ...options,
    });
    caches.push(cache);
    await cache.ready();
    return cache;
  }

  it('through needs no load to be read, and around needs one', async () => {
    const cache = await open();
    const loads: string[] = [];
    const declare = (name: string, write: 'around' | 'through') =>
      cache.resource(name, {
        load: (id: number) => void loads.push(`${name}:${id}`),
        save: () => undefined,
        write,
      });
    const through = declare('t', 'through');
    const around = declare('a', 'around');
    await through.save(1, undefined as never).catch(() => undefined);
    await Promise.all([through.save(1, 5 as never), around.save(1, 5 as never)]);
    expect(await through.get(1)).toBe(5);
    await around.get(1);
    expect(loads).toEqual(['a:1']);
  });

  it('through stores neither of two values whose writers overlapped', async () => {
    const [here, there] = await Promise.all([open(), open()]);
    const gates = [deferred<undefined>(), deferred<undefined>()] as const;
    const begun: number[] = [];
    let row = 0;
    const declare = (cache: CacheManager) =>
      cache.resource('row', {
        load: () => row,
        async save(_id: number, value: number) {
          begun.push(value);
          await gates[value - 1]?.promise;
          row = value;
        },
      });
    const writes = [declare(here).save(1, 1), declare(there).save(1, 2)];
    await eventually('both', () => begun.length === 2);
    // The one that began second commits first, so the first has the last word in the database.
    gates[1].resolve(undefined);
    await writes[1];
    gates[0].resolve(undefined);
    await Promise.all(writes);
    expect(row).toBe(1);
    for (const cache of [here, there]) {
      await eventually(
        'the truth',
        async () => (await cache.resource('row', { load: () => row }).get(1)) === 1,
      );
    }
    expect(await there.get('row:1')).toBe(1);
  });

  it('makes the tags of a thing from its value, for what is loaded and for what is saved', async () => {
    const cache = await open();
    const people = cache.resource('person', {
      load: (id: number) => ({ id, team: 7 }),
      save: () => undefined,
      tags: ({ team }) => [`team:${team}`],
    });
    await eventually('the tags of a load', async () => {
      await people.get(1);
      return (await cache.getEntry('person:1'))?.tags.includes('team:7');
    });
    await people.save(1, { id: 1, team: 8 });
    expect((await cache.getEntry('person:1'))?.tags).toEqual(['team:8']);
    await cache.invalidateTags(['team:8']);
    expect(await people.get(1)).toEqual({ id: 1, team: 7 });
  });

  it('makes one call of what is saved in one turn, and keeps two writes of one thing apart', async () => {
    const cache = await open();
    const calls: number[][] = [];
    const rows = cache.resource('row', {
      load: (id: number) => id,
      async saveMany(writes) {
        calls.push(writes.map(({ value }) => value));
        return writes.map(({ id }) => (id === 3 ? new Error('refused 3') : undefined));
      },
    });
    const outcomes = await Promise.allSettled([1, 2, 3].map((id) => rows.save(id, id * 10)));
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected']);
    expect(calls).toEqual([[10, 20, 30]]);
    await Promise.all([rows.save(1, 11), rows.save(1, 12)]);
    expect(calls.slice(1)).toEqual([[11], [12]]);
    await expect(
      rows.saveMany([
        [1, 1],
        [3, 3],
      ]),
    ).rejects.toThrow('refused 3');
  });

  it('gives the store of write-behind ids of the type that was given, and numbers that grow', async () => {
    const cache = await open();
    const seen: Array<[unknown, number | undefined]> = [];
    const rows = cache.resource<number | string | bigint, number>('row', {
      load: () => 0,
      save: (id, _value, { sequence }) => void seen.push([id, sequence]),
      write: 'behind',
      behind: { partitions: 1 },
    });
    await rows.save(1, 1);
    await rows.save('two', 2);
    await rows.save(3n, 3);
    await rows.flush();
    expect(seen).toEqual([
      [1, 1],
      ['two', 2],
      [3n, 3],
    ]);
  });

  it.each<[string, object, RegExp]>([
    ['a way to write that nobody knows', { save: () => undefined, write: 'beside' }, /row\.write/],
    ['a way to write and nothing to write with', { write: 'around' }, /needs save, saveMany or remove/],
    ['options of write-behind without it', { save: () => undefined, behind: {} }, /needs write: 'behind'/],
    [
      'a wrong option of write-behind',
      { save: () => undefined, write: 'behind', behind: { batchSize: 0 } },
      /behind\.batchSize/,
    ],
    [
      'an unknown option of write-behind',
      { save: () => undefined, write: 'behind', behind: { batch: 5 } },
      /batch/,
    ],
    ['a save that is none', { save: 'UPDATE' }, /row\.save: expected a function/],
    ['a refresh that nobody knows', { refresh: 'behind' }, /row\.refresh: expected 'ahead'/],
  ])('refuses %s', async (_, wrong, message) => {
    const cache = await open();
    expect(() => cache.resource('row', { load: () => 1, ...wrong })).toThrow(message);
  });

  it('refuses to write what it has no function for, and twice the same queue', async () => {
    const cache = await open();
    const read = cache.resource('read', { load: () => 1 });
    await expect(read.save(1, 1)).rejects.toThrow(/declared without save/);
    await expect(read.flush()).rejects.toThrow(/without write: 'behind'/);
    const behind = { load: () => 1, save: () => undefined, write: 'behind' } as const;
    cache.resource('twice', behind);
    expect(() => cache.resource('twice', behind)).toThrow(/declared before/);
    const alone = createCache({ namespace: 'shop' });
    caches.push(alone);
    expect(() => alone.resource('row', behind)).toThrow(/needs Redis/);
  });

  it('is refreshed before it expires by its readers, and left to expire by those who do not ask', async () => {
    const cache = await open();
    const loads: number[] = [];
    const rows = cache.resource('row', {
      load: async (id: number) => {
        loads.push(id);
        await new Promise((resolve) => setTimeout(resolve, 50));
        return id;
      },
      ttl: 300,
      jitter: 0,
      refresh: 'ahead',
    });
    await rows.get(2);
    await eventually('refreshes', async () => {
      await rows.get(1);
      return loads.filter((id) => id === 1).length > 3;
    });
    expect(loads.filter((id) => id === 2)).toHaveLength(1);
  });
});
