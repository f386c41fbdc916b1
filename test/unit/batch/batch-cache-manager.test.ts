import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { BatchCacheManager, ConnectionError, DeadlineError, ServerError, type BatchOptions } from 'tiercel';
import { ScriptedTarget } from '../../support/scripted-target.js';
import { unhandledRejections } from '../../support/unhandled-rejections.js';

const setup = (options?: BatchOptions) => {
  const target = new ScriptedTarget();
  return { target, batch: new BatchCacheManager(target, options) };
};
const oom = (): Error => new ServerError('OOM command not allowed');

describe('operations of a batch', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
  afterEach(() => void vi.useRealTimers());

  it('wait until there are batchSize of them, and go in one turn', () => {
    const { target, batch } = setup({ batchSize: 3 });
    void batch.batchSet('a', 1);
    void batch.batchDelete('b');
    expect(target.log).toEqual([]);
    void batch.batchGet('c');
    expect(target.log).toEqual(['set a=1', 'delete b', 'get c']);
  });

  it('wait for flushInterval from the first of them', () => {
    const { target, batch } = setup();
    void batch.batchSet('a', 1);
    vi.advanceTimersByTime(60);
    void batch.batchSet('b', 2);
    vi.advanceTimersByTime(39);
    expect(target.log).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(target.log).toEqual(['set a=1', 'set b=2']);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('are not sent early by the timer of a batch that is gone', () => {
    const { target, batch } = setup({ batchSize: 2 });
    void batch.batchSet('a', 1);
    vi.advanceTimersByTime(50);
    void batch.batchSet('b', 1);
    void batch.batchSet('c', 1);
    vi.advanceTimersByTime(99);
    expect(target.log).toHaveLength(2);
    vi.advanceTimersByTime(1);
    expect(target.log).toHaveLength(3);
  });

  it('go on flush, which resolves when they and those before them have settled', async () => {
    const { target, batch } = setup();
    void batch.batchSet('a', 1);
    const first = batch.flush();
    void batch.batchSet('b', 2);
    let flushed = false;
    const second = batch.flush().then((summary) => {
      flushed = true;
      return summary;
    });
    const [a, b] = target.open;
    b?.succeed();
    await turn();
    expect(flushed).toBe(false);
    a?.succeed();
    expect(await second).toEqual({
      given: 1,
      waiting: 0,
      done: 1,
      notDone: 0,
      unknown: 0,
      failures: [],
    });
    expect(await first).toMatchObject({ given: 1, done: 1 });
  });

  it('take their own options along', () => {
    const { target, batch } = setup({ batchSize: 2 });
    void batch.batchSet('a', 1, { ttl: '1h' });
    void batch.batchSet('b', 2);
    expect(target.commands.map(({ options }) => options)).toEqual([{ ttl: '1h' }, undefined]);
  });

  it('fail alone', async () => {
    const { target, batch } = setup({ batchSize: 3 });
    const outcomes = Promise.allSettled([
      batch.batchSet('a', 1),
      batch.batchSet('b', 2),
      batch.batchGet('c'),
    ]);
    const [a, b, c] = target.open;
    a?.succeed();
    b?.fail(oom());
    c?.succeed();
    expect((await outcomes).map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  });

  it('are refused when maxPending have not settled, and taken again when some have', async () => {
    const { target, batch } = setup({ batchSize: 2, maxPending: 3 });
    const taken = [batch.batchSet('a', 1), batch.batchSet('b', 1), batch.batchSet('c', 1)];
    expect(batch.pending).toBe(3);
    await expect(batch.batchSet('d', 1)).rejects.toMatchObject({ code: 'TIERCEL_OVERLOADED', key: 'd' });
    await expect(batch.batchGet('a')).rejects.toMatchObject({ code: 'TIERCEL_OVERLOADED', key: 'a' });
    target.answerAll();
    await Promise.all(taken.slice(0, 2));
    taken.push(batch.batchSet('d', 1));
    await batch.flush();
    await Promise.all(taken);
    expect(target.log).toEqual(['set a=1', 'set b=1', 'set c=1', 'set d=1']);
  });

  it('make batches of batchSize commands, concurrency of them under way at once', async () => {
    const { target, batch } = setup({ batchSize: 2, concurrency: 2 });
    for (let i = 0; i < 9; i++) void batch.batchSet(`k${i}`, i);
    expect(target.open).toHaveLength(4);
    const [first, second, third] = target.open;
    first?.succeed();
    third?.succeed();
    await turn();
    expect(target.open).toHaveLength(2);
    second?.succeed();
    await turn();
    expect(target.log).toHaveLength(6);
    target.answerAll();
    expect(await batch.flush()).toMatchObject({ given: 9, done: 9 });
  });

  it('are drained by close, however many wait, and refused after it', async () => {
    const { target, batch } = setup({ batchSize: 10, concurrency: 1, maxPending: 100 });
    const given = Array.from({ length: 100 }, (_, i) => batch.batchSet(`k${i}`, i));
    const closing = batch.close();
    expect(batch.close()).toBe(closing);
    await expect(batch.batchSet('late', 1)).rejects.toMatchObject({ code: 'TIERCEL_CLOSED', key: 'late' });
    target.answerAll();
    expect(await closing).toMatchObject({ given: 100, done: 100 });
    await Promise.all(given);
    expect(target.values.size).toBe(100);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('that nobody awaits do not end the process, and flush tells of them', async () => {
    const { target, batch } = setup({ batchSize: 2 });
    target.onCommand = (command) => command.fail(oom());
    const seen = await unhandledRejections(async () => {
      void batch.batchSet('a', 1);
      void batch.batchGet('b');
      void batch.batchSet('', 1);
      void batch.batchSet('c', undefined);
      await turn();
      const summary = await batch.flush();
      expect(summary).toMatchObject({ given: 4, notDone: 4 });
      expect(summary.failures.map(({ key }) => key).toSorted()).toEqual(['', 'a', 'b', 'c']);
      await batch.close();
      void batch.batchDelete('late');
    });
    expect(seen).toEqual([]);
  });

  it('are told apart by whether they happened', async () => {
    const { target, batch } = setup({ batchSize: 4 });
    for (const key of ['a', 'b', 'c', 'd']) void batch.batchSet(key, 1);
    const [a, b, c, d] = target.open;
    a?.fail(oom());
    b?.fail(new DeadlineError('late'));
    c?.fail(new ConnectionError('lost', { sent: true }));
    d?.fail(new ConnectionError('away', { sent: false }));
    const { notDone, unknown, failures } = await batch.flush();
    expect({ notDone, unknown }).toEqual({ notDone: 2, unknown: 2 });
    expect(failures.map(({ key, outcome }) => `${key} ${outcome}`)).toEqual([
      'a not-done',
      'b unknown',
      'c unknown',
      'd not-done',
    ]);
  });

  it('keep the process alive while they wait', async () => {
    vi.useRealTimers();
    const timers = (): number =>
      process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length;
    const { target, batch } = setup();
    target.answerAll();
    const before = timers();
    void batch.batchSet('a', 1);
    expect(timers()).toBe(before + 1);
    await batch.close();
    expect(timers()).toBe(before);
  });
});

describe('operations on one key', () => {
  it('become one write, the last; each promise settles as that one does', async () => {
    const { target, batch } = setup();
    const writes = [batch.batchSet('k', 1), batch.batchDelete('k'), batch.batchSet('k', 2)];
    void batch.flush();
    expect(target.log).toEqual(['set k=2']);
    target.succeedOpen();
    expect(await Promise.all(writes)).toEqual([undefined, false, undefined]);
  });

  it('all reject when the last write does', async () => {
    const { target, batch } = setup();
    const writes = [batch.batchSet('k', 1), batch.batchDelete('k'), batch.batchSet('k', 2)];
    void batch.flush();
    target.open[0]?.fail(oom());
    for (const outcome of await Promise.allSettled(writes)) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'TIERCEL_SERVER' } });
    }
  });

  it('tell of a delete whether it removed something', async () => {
    const { target, batch } = setup();
    target.values.set('k', 'old');
    target.answerAll();
    const [, removed] = [batch.batchSet('k', 1), batch.batchDelete('k')];
    const none = batch.batchDelete('none');
    await batch.flush();
    expect([await removed, await none]).toEqual([true, false]);
  });

  it('let a get see the write before it once that is written, and ask nothing', async () => {
    const { target, batch } = setup();
    void batch.batchSet('k', 1);
    const one = batch.batchGet('k');
    void batch.batchSet('k', null);
    const nothing = batch.batchGet('k');
    void batch.batchDelete('k');
    const gone = batch.batchGet('k');
    void batch.flush();
    const whileUnderWay = batch.batchGet('k');
    let settled = false;
    void one.then(() => (settled = true));
    await turn();
    expect(settled).toBe(false);
    target.succeedOpen();
    expect(await Promise.all([one, nothing, gone, whileUnderWay])).toEqual([1, null, undefined, undefined]);
    expect(target.log).toEqual(['delete k']);
  });

  it('make a get ask when the write before it failed, ahead of the next write', async () => {
    const { target, batch } = setup();
    target.values.set('k', 'old');
    void batch.batchSet('k', 'new');
    const got = batch.batchGet('k');
    void batch.flush();
    void batch.batchSet('k', 'newer');
    void batch.flush();
    target.open[0]?.fail(oom());
    await turn();
    expect(target.log).toEqual(['set k=new', 'get k']);
    target.answerAll();
    expect(await got).toBe('old');
    await batch.flush();
    expect(target.log).toEqual(['set k=new', 'get k', 'set k=newer']);
  });

  it('give a get before a write what was there before it', async () => {
    const { target, batch } = setup();
    target.values.set('k', 'old');
    const before = batch.batchGet('k');
    const written = batch.batchSet('k', 'new');
    void batch.flush();
    expect(target.log).toEqual(['get k']);
    target.answerAll();
    await written;
    expect(await before).toBe('old');
  });

  it('go one by one, also over batches', async () => {
    const { target, batch } = setup({ batchSize: 1 });
    void batch.batchSet('k', 1);
    void batch.batchSet('k', 2);
    void batch.batchSet('k', 3);
    expect(target.log).toEqual(['set k=1']);
    target.answerAll();
    await batch.flush();
    expect(target.log).toEqual(['set k=1', 'set k=3']);
  });

  it('that are gets become one', async () => {
    const { target, batch } = setup({ batchSize: 3 });
    target.values.set('k', { n: 1 });
    target.answerAll();
    const values = await Promise.all([batch.batchGet('k'), batch.batchGet('k'), batch.batchGet('k')]);
    expect(values).toEqual([{ n: 1 }, { n: 1 }, { n: 1 }]);
    expect(target.log).toEqual(['get k']);
  });

  it('are not replaced by a write that is refused', async () => {
    const { target, batch } = setup();
    target.answerAll();
    const good = batch.batchSet('k', 1);
    await expect(batch.batchSet('k', undefined)).rejects.toMatchObject({ code: 'TIERCEL_ENCODE', key: 'k' });
    await batch.flush();
    await good;
    expect(target.values.get('k')).toBe(1);
  });
});

describe('a value that waits', () => {
  it('is frozen, so that a later change of it is not written', async () => {
    const { target, batch } = setup();
    target.answerAll();
    const row = { n: 1, list: [1] };
    void batch.batchSet('k', row);
    expect(() => (row.n = 2)).toThrow(TypeError);
    expect(() => row.list.push(2)).toThrow(TypeError);
    const got = batch.batchGet<typeof row>('k');
    await batch.flush();
    expect(await got).toBe(row);
  });

  it('is copied where asked, for every reader', async () => {
    const { target, batch } = setup({ isolation: 'clone' });
    target.answerAll();
    const row = { n: 1 };
    void batch.batchSet('k', row);
    const reads = [batch.batchGet<typeof row>('k'), batch.batchGet<typeof row>('k')];
    row.n = 2;
    await batch.flush();
    const [one, other] = await Promise.all(reads);
    expect([one, other, target.values.get('k')]).toEqual([{ n: 1 }, { n: 1 }, { n: 1 }]);
    expect(one).not.toBe(other);
    await expect(batch.batchSet('f', { f: () => 1 })).rejects.toMatchObject({ code: 'TIERCEL_ENCODE' });
  });

  it('is trusted where asked', async () => {
    const { target, batch } = setup({ isolation: 'share' });
    target.answerAll();
    const row = { n: 1 };
    void batch.batchSet('k', row);
    row.n = 2;
    await batch.flush();
    expect(target.values.get('k')).toEqual({ n: 2 });
  });
});

describe('progress', () => {
  it('is told after each batch with counts that add up, until the listener is taken away', async () => {
    const { target, batch } = setup({ batchSize: 2 });
    const told: unknown[] = [];
    batch.onProgress(() => {
      throw new Error('a bar that broke');
    });
    const stop = batch.onProgress((progress) => told.push(progress));
    target.onCommand = (command) => (command.key === 'b' ? command.fail(oom()) : command.succeed());
    for (const key of ['a', 'b', 'c']) void batch.batchSet(key, 1);
    await turn();
    expect(told).toEqual([{ given: 3, waiting: 1, done: 1, notDone: 1, unknown: 0 }]);
    await batch.flush();
    expect(told.at(-1)).toEqual({ given: 3, waiting: 0, done: 2, notDone: 1, unknown: 0 });
    stop();
    void batch.batchSet('d', 1);
    await batch.flush();
    expect(told).toHaveLength(2);
  });
});

describe('what is wrong is told at once', () => {
  it.each<[options: object, message: string]>([
    [{ batchSize: 0 }, 'batchSize: expected a whole number of at least 1, got 0'],
    [{ flushInterval: '1 s' }, 'flushInterval'],
    [{ maxPending: 50 }, 'maxPending: 50 is less than batchSize, 100'],
    [{ concurrency: 1.5 }, 'concurrency'],
    [{ isolation: 'deep' }, 'isolation'],
    [{ batchsize: 5 }, "did you mean 'batchSize'"],
  ])('of options %j', (options, message) => {
    expect(() => new BatchCacheManager(new ScriptedTarget(), options)).toThrow(message);
  });

  it('of the target', () => {
    for (const target of [undefined, null, 'redis://localhost', {}, { get() {}, set() {} }]) {
      expect(() => new BatchCacheManager(target as never)).toThrow('expected a cache or a client');
    }
  });

  it('of a key', async () => {
    const { batch } = setup();
    for (const key of ['', '\ud800', 5 as unknown as string]) {
      await expect(batch.batchGet(key)).rejects.toMatchObject({ code: 'TIERCEL_INVALID_KEY' });
    }
  });
});
