import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from '../../../demo/random.js';
import { Zipf, zipfShares } from '../../../demo/zipf.js';

describe('Zipf', () => {
  it('draws each rank as often as its weight says', () => {
    const size = 1000;
    const draws = 200_000;
    const zipf = new Zipf(size, 0.99);
    const random = new Random(5);
    const counts = new Float64Array(size);
    for (let i = 0; i < draws; i++) {
      const rank = zipf.draw(random);
      counts[rank] = (counts[rank] ?? 0) + 1;
    }
    const weights = Float64Array.from({ length: size }, (_, rank) => 1 / (rank + 1) ** 0.99);
    const sum = weights.reduce((all, weight) => all + weight);
    for (const rank of [0, 1, 2, 9, 99]) {
      const expected = ((weights[rank] ?? 0) / sum) * draws;
      expect(Math.abs((counts[rank] ?? 0) - expected)).toBeLessThan(6 * Math.sqrt(expected));
    }
  });

  it('draws every rank equally often when the exponent is 0', () => {
    const zipf = new Zipf(4, 0);
    const random = new Random(6);
    const counts = [0, 0, 0, 0];
    for (let i = 0; i < 40_000; i++) {
      const rank = zipf.draw(random);
      counts[rank] = (counts[rank] ?? 0) + 1;
    }
    for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(520);
  });

  it('never leaves the ranks there are', () => {
    fc.assert(
      fc.property(
        fc.integer(),
        fc.integer({ min: 1, max: 50 }),
        fc.double({ min: 0, max: 3, noNaN: true }),
        (seed, size, exponent) => {
          const zipf = new Zipf(size, exponent);
          const random = new Random(seed);
          for (let i = 0; i < 20; i++) {
            const rank = zipf.draw(random);
            expect(rank).toBeGreaterThanOrEqual(0);
            expect(rank).toBeLessThan(size);
          }
        },
      ),
    );
  });
});

function total(shares: Int32Array): number {
  return shares.reduce((sum, share) => sum + share, 0);
}

describe('zipfShares', () => {
  it('deals everything out, to the last one', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 5000 }),
        fc.integer({ min: 1, max: 300 }),
        fc.double({ min: 0, max: 2, noNaN: true }),
        (things, size, exponent) => {
          const shares = zipfShares(things, size, exponent);
          expect(total(shares)).toBe(things);
          expect(shares.every((share) => share >= 0)).toBe(true);
        },
      ),
    );
  });

  it('gives the first rank most', () => {
    const shares = zipfShares(10_000, 100, 0.6);
    expect(Math.max(...shares)).toBe(shares[0]);
    expect((shares[0] ?? 0) / (shares[99] ?? 1)).toBeCloseTo(100 ** 0.6, 0);
  });

  it('hands what the limit takes from the first ranks to the next', () => {
    const shares = zipfShares(1000, 100, 1, 50);
    expect(Math.max(...shares)).toBe(50);
    expect(total(shares)).toBe(1000);
  });
});
