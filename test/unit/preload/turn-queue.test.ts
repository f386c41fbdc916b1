import { describe, expect, it } from 'vitest';
import { TurnQueue } from '../../../src/preload/turn-queue.js';
import { deferred } from '../../../servers/deferred.js';

describe('the queue of turns', () => {
  it('begins with the highest priority of what waits, and of equals with the first', async () => {
    const queue = new TurnQueue(1);
    const order: string[] = [];
    const add = (name: string, priority: number) => queue.run(priority, async () => void order.push(name));
    await Promise.all([
      add('low', 1),
      add('first', 5),
      add('second', 5),
      add('high', 9),
      add('negative', -1),
    ]);
    expect(order).toEqual(['high', 'first', 'second', 'low', 'negative']);
  });

  it('runs so many at once and no more', async () => {
    const queue = new TurnQueue(2);
    let running = 0;
    let most = 0;
    const gates = Array.from({ length: 6 }, () => deferred<undefined>());
    const all = gates.map((gate) =>
      queue.run(0, async () => {
        most = Math.max(most, ++running);
        await gate.promise;
        running--;
      }),
    );
    for (const gate of gates) gate.resolve(undefined);
    await Promise.all(all);
    expect(most).toBe(2);
  });

  it('goes on after work that fails, and tells who gave it', async () => {
    const queue = new TurnQueue(1);
    await expect(queue.run(0, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await queue.run(0, async () => 'yes')).toBe('yes');
  });
});
