import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ChurningMap } from '../../../src/runtime/churning-map.js';

describe('a map whose entries come and go', () => {
  it('does what a Map does, however many come and go', () => {
    const step = fc.record({
      do: fc.constantFrom('set', 'set', 'delete'),
      from: fc.nat(40),
      count: fc.nat(400),
      value: fc.integer(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
        const churning = new ChurningMap<number, number>();
        const plain = new Map<number, number>();
        for (const { do: what, from, count, value } of steps) {
          for (let key = from; key < from + count; key++) {
            if (what === 'set') {
              churning.set(key, value);
              plain.set(key, value);
            } else if (what === 'delete') {
              churning.delete(key);
              plain.delete(key);
            }
          }
          expect(churning.size).toBe(plain.size);
          expect([...churning]).toEqual([...plain]);
          expect(churning.keys()).toEqual([...plain.keys()]);
          expect(churning.get(from)).toBe(plain.get(from));
          expect(churning.has(from)).toBe(plain.has(from));
        }
      }),
    );
  });

  it('may be changed while its entries are gone through', () => {
    const map = new ChurningMap<string, number>();
    map.set('a', 1);
    map.set('b', 2);
    for (const key of map.keys()) {
      map.delete(key);
      map.set(`${key}!`, 3);
    }
    expect(map.keys()).toEqual(['a!', 'b!']);
  });
});
