import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { KeySpace } from '../../../src/client/key-space.js';
import { msgpackCodec } from '../../../src/codec/msgpack.js';
import { Serializer } from '../../../src/codec/serializer.js';
import { openPort } from '../../../src/redis/open-port.js';
import type { RedisPort } from '../../../src/redis/port.js';
import { guardedLogger } from '../../../src/runtime/logger.js';
import { durabilityFindings } from '../../../src/strategies/write-behind/durability.js';
import type { ResourceId } from '../../../src/strategies/resource-id.js';
import type { SaveBatch, StoreWrite } from '../../../src/strategies/write-behind/store.js';
import { WriteQueue } from '../../../src/strategies/write-behind/write-queue.js';
import {
  writeBehindSettings,
  type WriteBehindOptions,
} from '../../../src/strategies/write-behind/write-behind-options.js';
import { deferred } from '../../../servers/deferred.js';
import { eventually } from '../../support/eventually.js';
import { MemoryLogger } from '../../support/memory-logger.js';
import { PATIENT } from '../../support/open-cache.js';
import { startRedis, type RedisServer } from '../../support/redis.js';

type Row = { readonly n: number };

/** A table of a database that keeps what it was told, and in which order. */
class Table {
  readonly rows = new Map<ResourceId, Row | undefined>();
  readonly log: Array<{ id: ResourceId; n: number | undefined; sequence: number; attempt: number }> = [];
  calls = 0;
  refuse: (write: StoreWrite<Row>) => boolean = () => false;
  gate: Promise<unknown> | undefined;

  readonly save: SaveBatch<Row> = async (writes) => {
    this.calls++;
    await this.gate;
    return writes.map((write) => {
      const { id, value, sequence, attempt } = write;
      if (this.refuse(write)) return new Error(`refused ${id}`);
      this.rows.set(id, value);
      this.log.push({ id, n: value?.n, sequence, attempt });
      return undefined;
    });
  };
}

const quick = { retryDelay: { min: 5, max: 20 }, pollInterval: 5 } as const;

describe('the queue of writes to the database', () => {
  let server: RedisServer;
  let port: RedisPort;
  let table: Table;
  const queues: Array<WriteQueue<Row>> = [];
  const logger = new MemoryLogger();

  beforeAll(async () => {
    server = await startRedis({ config: { appendonly: 'yes' } });
    port = openPort({ url: server.url, ...PATIENT });
    await port.connect();
  });
  afterAll(async () => {
    await port.close();
    await server.stop();
  });
  beforeEach(() => {
    table = new Table();
    logger.lines.length = 0;
  });
  afterEach(async () => {
    table.gate = undefined;
    for (const queue of queues.splice(0)) await queue.close();
    await server.cli('FLUSHALL');
  });

  function open(
    options: WriteBehindOptions = {},
    over: { save?: SaveBatch<Row>; port?: RedisPort; onDead?: (id: ResourceId, error: Error) => void } = {},
  ): WriteQueue<Row> {
    const queue = new WriteQueue<Row>({
      port: over.port ?? port,
      keys: KeySpace.of('shop'),
      name: 'rows',
      serializer: new Serializer(msgpackCodec()),
      settings: writeBehindSettings({ ...quick, closeTimeout: 0, ...options }),
      save: over.save ?? table.save,
      logger: guardedLogger(logger),
      onApplied: () => undefined,
      onDead: over.onDead ?? (() => undefined),
    });
    queues.push(queue);
    return queue;
  }

  const drained = async (queue: WriteQueue<Row>): Promise<void> => {
    expect(await queue.flush(5000)).toBe(0);
  };

  it('brings every acknowledged write to the database, in batches', async () => {
    const queue = open();
    await Promise.all(Array.from({ length: 500 }, (_, n) => queue.write(`id${n}`, { n })));
    await drained(queue);
    expect(table.rows.size).toBe(500);
    expect(table.calls).toBeLessThan(100);
    expect(await queue.backlog()).toEqual({ pending: 0, failing: 0, dead: 0, oldestAge: 0 });
    expect(await server.cli('DBSIZE')).toBeLessThanOrEqual(8); // the counters and the leases
  });

  it('keeps the order of an id’s writes, and leaves out those that were replaced in time', async () => {
    const queue = open();
    const gate = deferred<undefined>();
    table.gate = gate.promise;
    await queue.write('a', { n: 0 });
    await eventually('the first batch', () => table.calls === 1);
    for (let n = 1; n <= 50; n++) await queue.write('a', { n });
    gate.resolve(undefined);
    table.gate = undefined;
    await drained(queue);
    expect(table.log.map(({ n }) => n)).toEqual([0, 50]);
    const sequences = table.log.map(({ sequence }) => sequence);
    expect(sequences).toEqual(sequences.toSorted((a, b) => a - b));
  });

  it('tells a reader of the newest write until the database has it', async () => {
    const queue = open();
    const gate = deferred<undefined>();
    table.gate = gate.promise;
    expect(await queue.pending('a')).toBeUndefined();
    await queue.write('a', { n: 1 });
    expect(await queue.pending('a')).toEqual({ value: { n: 1 } });
    await queue.write('a', { n: 2 });
    expect(await queue.pending('a')).toEqual({ value: { n: 2 } });
    await queue.write('a', undefined);
    expect(await queue.pending('a')).toEqual({ value: undefined });
    gate.resolve(undefined);
    await drained(queue);
    expect(await queue.pending('a')).toBeUndefined();
    expect(table.rows.get('a')).toBeUndefined();
    expect(table.rows.has('a')).toBe(true);
  });

  it('tries again what the database refuses, and does not hold up the others', async () => {
    const queue = open({ partitions: 1 });
    let refusals = 3;
    table.refuse = ({ id }) => id === 'bad' && refusals-- > 0;
    await Promise.all([
      queue.write('bad', { n: 1 }),
      ...Array.from({ length: 20 }, (_, n) => queue.write(`${n}`, { n })),
    ]);
    await drained(queue);
    expect(table.rows.size).toBe(21);
    expect(table.log.at(-1)).toMatchObject({ id: 'bad', attempt: 4 });
    expect(logger.text).toMatch(/refused a write.*which is tried again/);
  });

  it('tries the rows of a batch that fails whole one by one', async () => {
    const sizes: number[] = [];
    const save: SaveBatch<Row> = async (writes, signal) => {
      sizes.push(writes.length);
      if (writes.some(({ id }) => id === 'bad')) throw new Error('constraint violated');
      return table.save(writes, signal);
    };
    const queue = open({ partitions: 1, maxAttempts: 1 }, { save });
    const gate = deferred<undefined>();
    table.gate = gate.promise;
    await queue.write('first', { n: 0 });
    await eventually('the first batch', () => sizes.length === 1);
    await Promise.all(['a', 'bad', 'b'].map((id) => queue.write(id, { n: 1 })));
    gate.resolve(undefined);
    await drained(queue);
    expect(new Set(table.rows.keys())).toEqual(new Set(['a', 'b', 'first']));
    expect(sizes).toEqual([1, 3, 1, 1, 1]);
  });

  describe('a write that the database keeps refusing', () => {
    const bury = async (options: WriteBehindOptions = {}, onDead = vi.fn()) => {
      const queue = open({ maxAttempts: 3, ...options }, { onDead });
      table.refuse = ({ id }) => id === 'poison';
      await Promise.all([queue.write('poison', { n: 7 }), queue.write('well', { n: 1 })]);
      await eventually('the dead letter', async () => (await queue.backlog()).dead === 1);
      const letters = [];
      for await (const letter of queue.deadLetters.list()) letters.push(letter);
      return { queue, letters, onDead };
    };

    it('ends among the dead letters, with its error, and its reader is told', async () => {
      const { queue, letters, onDead } = await bury();
      expect(table.rows.get('well')).toEqual({ n: 1 });
      expect(letters).toEqual([
        expect.objectContaining({
          id: 'poison',
          kind: 'save',
          value: { n: 7 },
          attempts: 2,
          error: 'Error: refused poison',
        }),
      ]);
      expect(onDead).toHaveBeenCalledExactlyOnceWith(
        'poison',
        expect.objectContaining({ message: 'refused poison' }),
      );
      expect(await queue.pending('poison')).toBeUndefined();
      expect(logger.text).toMatch(/error .*dead letter/);
    });

    it('can be replayed', async () => {
      const { queue, letters } = await bury();
      table.refuse = () => false;
      expect(await queue.deadLetters.replayAll()).toEqual({ replayed: 1, superseded: 0, gone: 0 });
      await drained(queue);
      expect(table.rows.get('poison')).toEqual({ n: 7 });
      expect(await queue.deadLetters.replay(letters[0] as never)).toBe('gone');
    });

    it('is not replayed over a later write of its id', async () => {
      const { queue, letters } = await bury();
      table.refuse = () => false;
      await queue.write('poison', { n: 8 });
      await drained(queue);
      expect(await queue.deadLetters.replay(letters[0] as never)).toBe('superseded');
      await drained(queue);
      expect(table.rows.get('poison')).toEqual({ n: 8 });
    });

    it('can be dropped', async () => {
      const { queue, letters } = await bury();
      expect(await queue.deadLetters.drop(letters[0] as never)).toBe(true);
      expect(await queue.deadLetters.drop(letters[0] as never)).toBe(false);
      expect((await queue.backlog()).dead).toBe(0);
      expect(await queue.deadLetters.replay({ letter: 'nonsense', id: 'x' })).toBe('gone');
    });
  });

  it('refuses more than may wait, and takes newer values of what waits already', async () => {
    const gate = deferred<undefined>();
    table.gate = gate.promise;
    const queue = open({ partitions: 1, maxPending: 3 });
    for (const id of ['a', 'b', 'c']) await queue.write(id, { n: 1 });
    await expect(queue.write('d', { n: 1 })).rejects.toMatchObject({
      code: 'TIERCEL_OVERLOADED',
      key: 'd',
      message: expect.stringContaining('3 writes already wait'),
    });
    await queue.write('a', { n: 2 });
    gate.resolve(undefined);
    await drained(queue);
    await queue.write('d', { n: 1 });
    await drained(queue);
    expect(table.rows.get('a')).toEqual({ n: 2 });
    expect(table.rows.has('d')).toBe(true);
  });

  it('refuses further ids when the oldest has waited too long', async () => {
    const gate = deferred<undefined>();
    table.gate = gate.promise;
    const queue = open({ partitions: 1, maxAge: 30 });
    await queue.write('a', { n: 1 });
    await eventually('age', async () => (await queue.backlog()).oldestAge > 31);
    await expect(queue.write('b', { n: 1 })).rejects.toMatchObject({
      message: expect.stringContaining('behind'),
    });
    gate.resolve(undefined);
    await drained(queue);
  });

  it('acknowledges nothing that Redis does not hold', async () => {
    const other = await startRedis({ config: { appendonly: 'yes', appendfsync: 'always' } });
    const own = openPort({ url: other.url });
    try {
      await own.connect();
      const queue = open({}, { port: own });
      await other.cli('CONFIG', 'SET', 'maxmemory', '1');
      await expect(queue.write('a', { n: 1 })).rejects.toMatchObject({ code: 'TIERCEL_SERVER' });
      await other.cli('CONFIG', 'SET', 'maxmemory', '0');
      await other.kill();
      await expect(queue.write('a', { n: 1 })).rejects.toMatchObject({ code: 'TIERCEL_CONNECTION' });
      await other.restart();
      await eventually('an acknowledgement', () =>
        queue.write('a', { n: 2 }).then(
          () => true,
          () => false,
        ),
      );
      await drained(queue);
      expect(table.log.map(({ n }) => n)).toEqual([2]);
      await queue.close();
    } finally {
      await own.close();
      await other.stop();
    }
  });

  it('is taken over from a process that is gone', async () => {
    const gone = openPort({ url: server.url, ...PATIENT });
    await gone.connect();
    const stuck = deferred<undefined>();
    const first = open({ partitions: 1, lease: 300 }, { port: gone, save: async () => stuck.promise });
    await first.write('a', { n: 1 });
    await eventually(
      'the lease',
      async () => (await server.cli('EXISTS', '{shop:%behind::rows:0}owner')) === 1,
    );
    const second = open({ partitions: 1, lease: 300 });
    await second.write('b', { n: 2 });
    expect(table.rows.size).toBe(0);
    await gone.close(); // it cannot extend its lease any more
    await eventually('the takeover', () => table.rows.size === 2, 3000);
    stuck.resolve(undefined);
  });

  it('is written by one process at a time', async () => {
    let running = 0;
    let most = 0;
    const save: SaveBatch<Row> = async (writes, signal) => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setImmediate(resolve));
      running--;
      return table.save(writes, signal);
    };
    const both = [open({ partitions: 1 }, { save }), open({ partitions: 1 }, { save })] as const;
    for (let n = 0; n < 300; n++) await (both[n % 2] as WriteQueue<Row>).write(`id${n % 10}`, { n });
    await drained(both[0]);
    expect(most).toBe(1);
    for (let i = 0; i < 10; i++) expect(table.rows.get(`id${i}`)).toEqual({ n: 290 + i });
  });

  it('gives up a call of the store that takes too long, and tells it so', async () => {
    let told = false;
    let calls = 0;
    const save: SaveBatch<Row> = (writes, signal) => {
      if (calls++ > 0) return table.save(writes, signal);
      signal.addEventListener('abort', () => (told = true));
      return new Promise(() => undefined);
    };
    const queue = open({ saveTimeout: 30 }, { save });
    await queue.write('a', { n: 1 });
    await drained(queue);
    expect(told).toBe(true);
    expect(table.log).toEqual([expect.objectContaining({ id: 'a', attempt: 2 })]);
  });

  it('drains when it is closed, for as long as it may, and says what is left', async () => {
    const queue = open({ closeTimeout: '5s' });
    await Promise.all(Array.from({ length: 100 }, (_, n) => queue.write(`id${n}`, { n })));
    expect(await queue.close()).toBe(0);
    expect(table.rows.size).toBe(100);
    await expect(queue.write('late', { n: 1 })).rejects.toMatchObject({ code: 'TIERCEL_CLOSED' });

    const stuck = open({ closeTimeout: 20, partitions: 1 }, { save: () => new Promise(() => undefined) });
    await stuck.write('a', { n: 1 });
    expect(await stuck.close()).toBe(1);
    expect(logger.text).toMatch(/1 writes wait in Redis/);
    const next = open({ partitions: 1 });
    await drained(next);
    expect(table.rows.get('a')).toEqual({ n: 1 });
  });

  it('says what in the settings of Redis would lose acknowledged writes', async () => {
    expect(await durabilityFindings(port)).toEqual([]);
    const other = await startRedis();
    const own = openPort({ url: other.url, ...PATIENT });
    await own.connect();
    await other.cli('CONFIG', 'SET', 'maxmemory', '100mb');
    await other.cli('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lfu');
    const findings = await durabilityFindings(own);
    expect(findings).toEqual([
      expect.stringContaining('appendonly yes'),
      expect.stringContaining('allkeys-lfu'),
    ]);
    const queue = open({}, { port: own });
    await eventually('the warning', () => logger.text.includes('allkeys-lfu'));
    await queue.close();
    await own.close();
    await other.stop();
  });
});
