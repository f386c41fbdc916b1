import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from '../../../demo/random.js';

function take(random: Random, count: number): number[] {
  return Array.from({ length: count }, () => random.uint32());
}

describe('Random', () => {
  it('gives the same numbers for the same seed', () => {
    expect(take(new Random(7), 100)).toEqual(take(new Random(7), 100));
  });

  it('gives the numbers it gave when the data was first generated', () => {
    expect(take(new Random(1), 4)).toMatchInlineSnapshot(`
      [
        573063952,
        3268221502,
        703077755,
        2308299391,
      ]
    `);
  });

  it('gives other numbers for another seed and for another stream of the same seed', () => {
    const first = take(new Random(7), 10);
    expect(take(new Random(8), 10)).not.toEqual(first);
    expect(take(new Random(7, 1), 10)).not.toEqual(first);
  });

  it('spreads numbers evenly', () => {
    const random = new Random(3);
    const counts = Array.from({ length: 10 }, () => 0);
    for (let i = 0; i < 100_000; i++) {
      const bucket = random.below(10);
      counts[bucket] = (counts[bucket] ?? 0) + 1;
    }
    // Six standard deviations.
    for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(570);
  });

  it('has the mean that is asked of exponential numbers', () => {
    const random = new Random(4);
    let sum = 0;
    for (let i = 0; i < 100_000; i++) sum += random.exponential(20);
    expect(sum / 100_000).toBeCloseTo(20, 0);
  });

  it('shuffles without losing anything', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 0, max: 200 }), (seed, length) => {
        const order = [...new Random(seed).permutation(length)].sort((a, b) => a - b);
        expect(order).toEqual(Array.from({ length }, (_, index) => index));
      }),
    );
  });
});
