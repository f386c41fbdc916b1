import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Arena } from '../../../src/memory/arena.js';
import { resizedNumbers } from '../../../src/memory/slot-column.js';
import { NONE } from '../../../src/memory/slot-queues.js';

function clockAt(start: number): { time: number; now(): number } {
  return {
    time: start,
    now() {
      return this.time;
    },
  };
}

describe('Arena', () => {
  it('keeps the keys of its regions apart, and clears one without the others', () => {
    const arena = new Arena<string>({ maxBytes: 1e6, overhead: 80, clock: clockAt(0) });
    const [first, second] = [arena.region(), arena.region()];
    first.set('k', 'of the first', 10, Infinity);
    second.set('k', 'of the second', 10, Infinity);
    second.set('l', 'too', 10, Infinity);
    expect([first.value(first.use('k')), second.value(second.use('k'))]).toEqual([
      'of the first',
      'of the second',
    ]);
    first.clear();
    expect([first.use('k'), first.size, second.size, arena.size]).toEqual([NONE, 0, 2, 2]);
    expect(second.value(second.use('l'))).toBe('too');
    second.clear();
    expect([arena.size, arena.bytes, arena.removals.cleared]).toEqual([0, 0, 3]);
  });

  it('evicts from whichever region there is somebody to evict', () => {
    const arena = new Arena<number>({ maxBytes: 1e6, maxEntries: 10, overhead: 80, clock: clockAt(0) });
    const [first, second] = [arena.region(), arena.region()];
    for (let i = 0; i < 10; i++) first.set(`k${i}`, i, 0, Infinity);
    for (let i = 0; i < 10; i++) second.set(`k${i}`, 100 + i, 0, Infinity);
    expect([first.size, second.size]).toEqual([0, 10]);
    expect([...second.keys()].map((key) => second.value(second.find(key)))).toEqual([
      100, 101, 102, 103, 104, 105, 106, 107, 108, 109,
    ]);
  });

  it('serves an entry while it is plain, and has it until it expires', () => {
    const clock = clockAt(100);
    const arena = new Arena<number>({ maxBytes: 1e6, overhead: 80, clock });
    const region = arena.region();
    region.set('whole', 1, 0, 50);
    region.set('part', 2, 0, 50, 20);
    clock.time = 120;
    expect([region.use('part'), region.value(region.find('part'))]).toEqual([NONE, 2]);
    expect(region.value(region.use('whole'))).toBe(1);
    arena.setLife(region.find('part'), arena.left(region.find('part')), 10);
    expect(region.value(region.use('part'))).toBe(2);
    clock.time = 130;
    expect([region.use('part'), arena.left(region.find('part'))]).toEqual([NONE, 20]);
    clock.time = 150;
    expect([region.find('part'), region.use('whole'), arena.size]).toEqual([NONE, NONE, 0]);
    expect(arena.removals.expired).toBe(2);
  });

  it('keeps the columns of others in step, however its slots are numbered', () => {
    const step = fc.record({
      op: fc.constantFrom('set', 'set', 'set', 'delete', 'use', 'few after many', 'clear'),
      region: fc.nat(1),
      key: fc.nat(60).map((n) => `k${n}`),
      chance: fc.nat(9),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const arena = new Arena<number>({ maxBytes: 2e6, overhead: 80, clock: clockAt(0) });
        const column = {
          slotBytes: 8,
          numbers: new Float64Array(0),
          resize(slots: number, order?: Int32Array) {
            this.numbers = resizedNumbers(this.numbers, slots, order);
          },
        };
        arena.addColumns(column);
        const regions = [arena.region(), arena.region()];
        let next = 0;
        const latest = new Map<string, number>();
        const set = (which: number, key: string, size: number): void => {
          const slot = regions[which]?.set(key, ++next, size, Infinity) ?? NONE;
          if (slot !== NONE) column.numbers[slot] = next;
          latest.set(`${which} ${key}`, next);
        };
        for (const { op, region, key, chance } of steps) {
          if (op === 'set') set(region, key, 100);
          else if (op === 'delete') regions[region]?.delete(key);
          else if (op === 'use') regions[region]?.use(key);
          else if (op === 'few after many') {
            // The other region keeps some that were there before, and both get new slots.
            for (let i = 0; i < 2600; i++) set(i % 3 === 0 ? region : 1 - region, `many${i}`, 500);
            for (let i = 0; i < 12; i++) set(region, `few${i}`, 150_000);
          } else if (chance < 2) regions[region]?.clear();
          let held = 0;
          for (const [which, each] of regions.entries()) {
            for (const name of each.keys()) {
              const slot = each.find(name);
              expect(each.value(slot)).toBe(latest.get(`${which} ${name}`));
              expect(column.numbers[slot]).toBe(each.value(slot));
              held++;
            }
          }
          expect(arena.size).toBe(held);
          expect(arena.bytes).toBeLessThanOrEqual(2e6);
        }
      }),
      { numRuns: 25 },
    );
  });
});
