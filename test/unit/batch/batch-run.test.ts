import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import {
  BatchCacheManager,
  ConnectionError,
  ServerError,
  type BatchOperation,
  type BatchOptions,
  type BatchResult,
} from 'tiercel';
import { ScriptedTarget } from '../../support/scripted-target.js';
import { unhandledRejections } from '../../support/unhandled-rejections.js';

const setup = (options?: BatchOptions) => {
  const target = new ScriptedTarget();
  return { target, batch: new BatchCacheManager(target, options) };
};
const sets = function* (count: number): Generator<BatchOperation> {
  for (let i = 0; i < count; i++) yield { type: 'set', key: `k${i}`, value: i };
};
const oom = (): Error => new ServerError('OOM command not allowed');

describe('a stream of operations', () => {
  it('is carried out, from an iterable of either kind, and summed up', async () => {
    const { target, batch } = setup({ batchSize: 10 });
    target.answerAll();
    const summary = { given: 25, waiting: 0, done: 25, notDone: 0, unknown: 0, failures: [] };
    expect(await batch.run(sets(25))).toEqual(summary);
    const slow = async function* (): AsyncGenerator<BatchOperation> {
      for (const operation of sets(25)) {
        await turn();
        yield operation;
      }
    };
    expect(await batch.run(slow())).toEqual(summary);
    expect(await batch.run([])).toMatchObject({ given: 0 });
  });

  it('is read no further than what may be under way, and leaves room for others', async () => {
    const { target, batch } = setup({ batchSize: 5, concurrency: 2, maxPending: 30 });
    let read = 0;
    const counted = function* (): Generator<BatchOperation> {
      for (const operation of sets(1000)) {
        read++;
        yield operation;
      }
    };
    const running = batch.run(counted());
    await turn();
    expect([read, batch.pending, target.open.length]).toEqual([20, 20, 10]);
    const single = batch.batchSet('single', 1);
    target.answerAll();
    await single;
    expect(await running).toMatchObject({ done: 1000 });
  });

  it('waits where single calls took all the room, instead of being refused', async () => {
    const { target, batch } = setup({ batchSize: 5, maxPending: 5 });
    for (let i = 0; i < 5; i++) void batch.batchSet(`s${i}`, i);
    const running = batch.run(sets(7));
    await turn();
    expect(batch.pending).toBe(6);
    target.answerAll();
    expect(await running).toMatchObject({ done: 7, notDone: 0 });
  });

  it('of one key goes on without waiting for a timer', async () => {
    const { target, batch } = setup({ batchSize: 10, concurrency: 1, flushInterval: '1h' });
    target.answerAll();
    const writes = Array.from({ length: 105 }, (_, i) => ({ type: 'set', key: 'k', value: i }) as const);
    expect(await batch.run(writes)).toMatchObject({ done: 105 });
    expect(target.values.get('k')).toBe(104);
    expect(target.commands.length).toBeLessThan(30);
  });

  it('tells of each operation what became of it', async () => {
    const { target, batch } = setup({ batchSize: 5 });
    target.values.set('there', 1);
    target.onCommand = (command) => {
      if (command.key === 'full') command.fail(oom());
      else if (command.key === 'lost') command.lose(new ConnectionError('lost', { sent: true }));
      else command.succeed();
    };
    const results: BatchResult[] = [];
    const operations: BatchOperation[] = [
      { type: 'set', key: 'full', value: 1 },
      { type: 'set', key: 'lost', value: 1, options: { ttl: '1m' } },
      { type: 'get', key: 'there' },
      { type: 'delete', key: 'there' },
      { type: 'set', key: '', value: 1 },
    ];
    const summary = await batch.run(operations, { onResult: (result) => results.push(result) });
    expect(summary).toMatchObject({ given: 5, done: 2, notDone: 2, unknown: 1 });
    expect(summary.failures).toHaveLength(3);
    results.sort((a, b) => a.index - b.index);
    expect(results).toMatchObject([
      { outcome: 'not-done', error: { code: 'TIERCEL_SERVER' } },
      { outcome: 'unknown', error: { code: 'TIERCEL_CONNECTION' } },
      { outcome: 'done', value: 1 },
      { outcome: 'done', value: true },
      { outcome: 'not-done', error: { code: 'TIERCEL_INVALID_KEY' } },
    ]);
    expect(results.map(({ operation }) => operation)).toEqual(operations);
    expect(target.commands.find(({ key }) => key === 'lost')?.options).toEqual({ ttl: '1m' });
  });

  it('that fails without end keeps its summary small', async () => {
    const { target, batch } = setup();
    target.onCommand = (command) => command.fail(oom());
    const { notDone, failures } = await batch.run(sets(1000));
    expect([notDone, failures.length]).toEqual([1000, 100]);
  });

  it('tells its progress, and not that of others', async () => {
    const { target, batch } = setup({ batchSize: 10 });
    target.answerAll();
    await batch.batchSet('other', 1, undefined);
    const told: number[] = [];
    await batch.run(sets(25), { onProgress: ({ given, done }) => told.push(done, given) });
    expect(told.slice(-2)).toEqual([25, 25]);
    expect(told.length).toBeGreaterThan(2);
  });

  it('that throws is left after what it gave has settled, with what it threw', async () => {
    const { target, batch } = setup();
    const broken = async function* (): AsyncGenerator<BatchOperation> {
      yield* sets(3);
      throw new RangeError('the cursor was closed');
    };
    let ended = false;
    const running = batch.run(broken()).finally(() => (ended = true));
    running.catch(() => undefined);
    await turn();
    expect([target.log.length, ended]).toEqual([3, false]);
    target.answerAll();
    await expect(running).rejects.toThrow(RangeError);
    expect(target.values.size).toBe(3);
  });

  it('is left, and its source ended, when a listener throws', async () => {
    const listeners: ReadonlyArray<(result: BatchResult) => void> = [
      () => {
        throw new RangeError('mine');
      },
      // An async function is taken for one that returns nothing.
      () => Promise.reject(new RangeError('mine')),
    ];
    for (const listener of listeners) {
      const { target, batch } = setup({ batchSize: 5, concurrency: 1 });
      target.answerAll();
      let ended = false;
      const source = function* (): Generator<BatchOperation> {
        try {
          yield* sets(1_000_000);
        } finally {
          ended = true;
        }
      };
      const seen = await unhandledRejections(async () => {
        await expect(batch.run(source(), { onResult: listener })).rejects.toThrow('mine');
      });
      expect([ended, seen]).toEqual([true, []]);
      expect(target.commands.length).toBeLessThan(100);
    }
  });

  it('stays in order where a listener asks for more of the key it is told of', async () => {
    const { target, batch } = setup({ batchSize: 1, concurrency: 2 });
    target.onCommand = (command) => {
      expect(target.open.filter(({ key }) => key === command.key)).toHaveLength(1);
      setImmediate(() => command.succeed());
    };
    const more: Array<Promise<unknown>> = [];
    await batch.run(sets(20), {
      onResult: ({ operation: { key }, index }) => {
        more.push(batch.batchSet(key, `${index} again`), batch.batchGet(key), batch.batchSet(key, index));
      },
    });
    await batch.close();
    await Promise.all(more);
    expect([...target.values.values()]).toEqual(Array.from({ length: 20 }, (_, i) => i));
  });

  it('is left when the batch is closed meanwhile', async () => {
    const { target, batch } = setup({ batchSize: 5, concurrency: 1 });
    const running = batch.run(sets(1000));
    running.catch(() => undefined);
    await turn();
    const closing = batch.close();
    target.answerAll();
    await expect(running).rejects.toMatchObject({ code: 'TIERCEL_CLOSED' });
    expect(await closing).toMatchObject({ given: 10, done: 10 });
    await expect(batch.run(sets(1))).rejects.toMatchObject({ code: 'TIERCEL_CLOSED' });
  });

  it.each<[what: unknown, message: string]>([
    ['k', 'expected operations'],
    [null, 'expected operations'],
    [{ type: 'incr', key: 'k' }, "expected one of 'set', 'get', 'delete', got 'incr'"],
    [{ type: 'set', key: 'k', value: 1, ttl: '1m' }, "unknown option 'ttl'"],
  ])('of %j is a mistake in the program', async (what, message) => {
    const { batch } = setup();
    await expect(batch.run([what as BatchOperation])).rejects.toMatchObject({
      code: 'TIERCEL_INVALID_OPTION',
      message: expect.stringContaining(message) as string,
    });
    expect(batch.pending).toBe(0);
  });
});
