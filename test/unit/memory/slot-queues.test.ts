import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { scramble } from '../../../src/memory/key-hash.js';
import { SlotQueues } from '../../../src/memory/slot-queues.js';

const BOUNDS = { maxBytes: 10_000, maxEntries: Infinity };

describe('SlotQueues', () => {
  it('holds each entry once, with its weight, hash and time, until it is removed', () => {
    const step = fc.record({
      op: fc.constantFrom(
        'add',
        'add',
        'add',
        'touch',
        'remove',
        'reweigh',
        'compact',
        'age',
        'share',
        'follow',
      ),
      which: fc.nat(),
      weight: fc.integer({ min: 1, max: 1500 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const queues = new SlotQueues(BOUNDS, 1);
        let held = new Map<number, { id: number; weight: number }>();
        let next = 0;
        const remove = (slot: number): void => {
          expect(held.delete(slot)).toBe(true);
          queues.remove(slot);
        };
        for (const { op, which, weight } of steps) {
          const slot = [...held.keys()][which % Math.max(1, held.size)] ?? -1;
          if (op === 'add') {
            while (!queues.fits(weight)) remove(queues.leaving());
            const added = queues.add(scramble(++next), weight);
            expect(held.has(added)).toBe(false);
            held.set(added, { id: next, weight });
            queues.setUntil(added, next);
          } else if (op === 'compact') {
            const order = queues.compact(held.size + 3);
            held = new Map([...order].map((old, now) => [now, held.get(old) ?? { id: 0, weight: 0 }]));
          } else if (op === 'age') queues.age();
          else if (op === 'share') queues.share = [1, 0.2, 0.01][which % 3] ?? 1;
          else if (op === 'follow') queues.follow(which % 2 === 0 ? 0 : -1 << 30);
          else if (held.size === 0) continue;
          else if (op === 'touch') queues.touch(slot);
          else if (op === 'remove') remove(slot);
          else if (queues.bytes <= BOUNDS.maxBytes - weight) {
            queues.reweigh(slot, weight);
            held.set(slot, { id: held.get(slot)?.id ?? 0, weight });
          }
          expect(queues.size).toBe(held.size);
          expect(queues.bytes).toBe([...held.values()].reduce((sum, each) => sum + each.weight, 0));
          expect(queues.bytes).toBeLessThanOrEqual(BOUNDS.maxBytes);
          for (const [each, { id, weight: its }] of held) {
            expect([queues.hash(each), queues.weight(each), queues.until(each)]).toEqual([
              scramble(id),
              its,
              id,
            ]);
          }
        }
        // Whoever is held can leave, and nobody twice.
        while (queues.size > 0) remove(queues.leaving());
        expect([held.size, queues.bytes]).toEqual([0, 0]);
      }),
      { numRuns: 200 },
    );
  });

  it('lets who was used stay for another round, and who was not leave', () => {
    const queues = new SlotQueues({ maxBytes: 4, maxEntries: Infinity }, 1);
    const [a, b, c, d] = [1, 2, 3, 4].map((id) => queues.add(scramble(id), 1));
    for (const used of [a, c]) queues.touch(used ?? -1);
    const left: number[] = [];
    while (queues.size > 0) {
      left.push(queues.leaving());
      queues.remove(left.at(-1) ?? -1);
    }
    expect(left).toEqual([b, d, a, c]);
  });

  it('lets a newcomer have the place only of somebody who was used less', () => {
    const queues = new SlotQueues({ maxBytes: 10, maxEntries: Infinity }, 0.2);
    const first = Array.from({ length: 10 }, (_, id) => queues.add(scramble(id), 1));
    const leave = (): number => {
      const slot = queues.leaving();
      queues.remove(slot);
      return slot;
    };
    // Eight of them come into the main queue on the first occasion, and the ninth has to compete with them.
    expect(leave()).toBe(first[8]);
    const newcomer = queues.add(scramble(100), 1);
    for (let i = 0; i < 3; i++) queues.touch(newcomer);
    expect(leave()).toBe(first[9]);
    queues.add(scramble(101), 1);
    // Its uses get it a second round in the window, and then the place of the oldest.
    const others = Array.from({ length: 4 }, () => {
      const slot = leave();
      queues.add(scramble(slot + 200), 1);
      return slot;
    });
    expect(others).not.toContain(newcomer);
    expect(others).toContain(first[0]);
  });
});
