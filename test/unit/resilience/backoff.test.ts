import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { backoff } from '../../../src/resilience/backoff.js';

const highest = (): number => 1 - Number.EPSILON;
const lowest = (): number => 0;

describe('backoff', () => {
  it('doubles its ceiling from 100 ms to 2 s by default', () => {
    const delay = backoff({ random: highest });
    expect([0, 1, 2, 3, 4, 5, 6].map(delay)).toEqual([100, 200, 400, 800, 1600, 2000, 2000]);
  });

  it('grows by the factor given', () => {
    const delay = backoff({ base: 10, cap: 1000, factor: 3, random: highest });
    expect([0, 1, 2, 3].map(delay)).toEqual([10, 30, 90, 270]);
  });

  it('draws from zero up with full jitter', () => {
    expect(backoff({ jitter: 'full', random: lowest })(3)).toBe(0);
    expect(backoff({ jitter: 'full', random: () => 0.5 })(3)).toBe(400);
  });

  it('draws from the upper half with equal jitter', () => {
    expect(backoff({ jitter: 'equal', random: lowest })(3)).toBe(400);
    expect(backoff({ jitter: 'equal', random: () => 0.5 })(3)).toBe(600);
    expect(backoff({ jitter: 'equal', random: highest })(3)).toBe(800);
  });

  it('stays whole, finite and within the cap, however many attempts there were', () => {
    fc.assert(
      fc.property(
        fc.nat({ max: 2 ** 31 - 1 }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        fc.constantFrom('full' as const, 'equal' as const),
        (attempt, random, jitter) => {
          const delay = backoff({ jitter, random: () => random })(attempt);
          expect(Number.isInteger(delay)).toBe(true);
          expect(delay).toBeGreaterThanOrEqual(0);
          expect(delay).toBeLessThanOrEqual(2000);
        },
      ),
    );
  });

  it('spreads a crowd', () => {
    const delay = backoff();
    const delays = new Set(Array.from({ length: 200 }, () => delay(5)));
    expect(delays.size).toBeGreaterThan(100);
  });
});
