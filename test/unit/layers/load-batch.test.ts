import { describe, expect, it, vi } from 'vitest';
import { deferred } from '../../../servers/deferred.js';
import type { LoadContext } from '../../../src/layers/load.js';
import { LoadBatch } from '../../../src/layers/load-batch.js';

const context = (key: string, controller = new AbortController()): LoadContext => ({
  key,
  signal: controller.signal,
  stale: undefined,
  setTtl: () => undefined,
  setTags: () => undefined,
  skip: () => undefined,
});
const doubles = () => vi.fn(async (ids: readonly number[]) => ids.map((id) => id * 2));
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('a batch of loads', () => {
  it('goes when each that entered has said whether it loads, and not before', async () => {
    const loadMany = doubles();
    const batch = new LoadBatch(loadMany, 100);
    for (let i = 0; i < 3; i++) batch.enter();
    const first = batch.load(1, context('1'));
    batch.leave();
    await turn();
    batch.leave(); // found elsewhere
    await turn();
    expect(loadMany).not.toHaveBeenCalled();
    const third = batch.load(3, context('3'));
    batch.leave();
    expect(await Promise.all([first, third])).toEqual([2, 6]);
    expect(loadMany).toHaveBeenCalledExactlyOnceWith([1, 3], expect.anything());
  });

  it('takes what comes later at the end of its turn', async () => {
    const loadMany = doubles();
    const batch = new LoadBatch(loadMany, 100);
    batch.enter();
    batch.leave();
    expect(await Promise.all([batch.load(1, context('1')), batch.load(2, context('2'))])).toEqual([2, 4]);
    expect(await batch.load(3, context('3'))).toBe(6);
    expect(loadMany.mock.calls.map(([ids]) => ids)).toEqual([[1, 2], [3]]);
  });

  it('asks for an id once, and for no more at once than it may', async () => {
    const loadMany = doubles();
    const batch = new LoadBatch(loadMany, 2);
    const loads = [1, 2, 1, 3].map((id) => batch.load(id, context(String(id))));
    expect(await Promise.all(loads)).toEqual([2, 4, 2, 6]);
    expect(loadMany.mock.calls.map(([ids]) => ids)).toEqual([[1, 2], [3]]);
  });

  it('tells the loader when nobody is left, whether or not it asks late', async () => {
    const controllers = [new AbortController(), new AbortController()] as const;
    const began = deferred<AbortSignal>();
    const finish = deferred<number[]>();
    const batch = new LoadBatch((_: readonly number[], { signal }) => {
      began.resolve(signal);
      return finish.promise;
    }, 100);
    const loads = controllers.map((controller, i) => batch.load(i, context(String(i), controller)));
    const signal = await began.promise;
    controllers[0].abort();
    expect(signal.aborted).toBe(false);
    controllers[1].abort(new Error('left'));
    expect(signal.aborted).toBe(true);
    finish.resolve([1, 2]);
    await Promise.all(loads);

    const late = new LoadBatch(async (ids: readonly number[], ofMany) => {
      await turn();
      expect(ofMany.signal.aborted).toBe(true);
      return ids.map(() => 1);
    }, 100);
    const gone = new AbortController();
    const load = late.load(1, context('1', gone));
    gone.abort();
    expect(await load).toBe(1);
  });
});
