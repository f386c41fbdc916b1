import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { SpaceSaving } from '../../../src/metrics/space-saving.js';

type Step = { readonly add: number; readonly weight?: number } | { readonly scale: number };

/** Few elements come often and many come once, as keys do. */
const element = fc.oneof(
  { weight: 3, arbitrary: fc.integer({ min: 0, max: 4 }) },
  fc.integer({ min: 0, max: 200 }),
);
const steps = fc.array(
  fc.oneof(
    { weight: 30, arbitrary: fc.record({ add: element, weight: fc.integer({ min: 1, max: 9 }) }) },
    fc.constant<Step>({ scale: 0.5 }),
  ),
  { maxLength: 500 },
);
const capacity = fc.integer({ min: 1, max: 20 });

/** The summary, and beside it the truth: every count of every element. */
function run(
  size: number,
  all: readonly Step[],
): { summary: SpaceSaving<number>; truth: Map<number, number> } {
  const summary = new SpaceSaving<number>(size);
  const truth = new Map<number, number>();
  for (const step of all) {
    if ('add' in step) {
      const { add, weight = 1 } = step;
      summary.add(add, weight);
      truth.set(add, (truth.get(add) ?? 0) + weight);
    } else {
      summary.scale(step.scale);
      for (const [key, count] of truth) truth.set(key, count * step.scale);
    }
  }
  return { summary, truth };
}

/** Halves of halves, added up in another order. */
const SLACK = 1e-9;

describe('SpaceSaving', () => {
  it('never counts too little, and too much by at most the error it tells', () => {
    fc.assert(
      fc.property(capacity, steps, (size, all) => {
        const { summary, truth } = run(size, all);
        for (const counted of summary.top(size)) {
          const exact = truth.get(counted.element) ?? 0;
          expect(counted.count).toBeGreaterThanOrEqual(exact - SLACK);
          expect(counted.count - counted.error).toBeLessThanOrEqual(exact + SLACK);
        }
      }),
    );
  });

  it('holds every element that came more often than a share of the capacity, and tells what the others have at most', () => {
    fc.assert(
      fc.property(capacity, steps, (size, all) => {
        const { summary, truth } = run(size, all);
        const held = new Set(summary.top(size).map((counted) => counted.element));
        for (const [key, count] of truth) {
          if (held.has(key)) continue;
          expect(count).toBeLessThanOrEqual(summary.floor + SLACK);
          expect(count).toBeLessThanOrEqual(summary.total / size + SLACK);
        }
      }),
    );
  });

  it('has counts that add up to all that came', () => {
    fc.assert(
      fc.property(capacity, steps, (size, all) => {
        const { summary, truth } = run(size, all);
        const total = [...truth.values()].reduce((sum, count) => sum + count, 0);
        expect(summary.total).toBeCloseTo(total, 6);
        const counted = summary.top(size).reduce((sum, { count }) => sum + count, 0);
        expect(counted).toBeCloseTo(total, 6);
      }),
    );
  });

  it('is exact while there are no more elements than it holds', () => {
    const { summary } = run(
      3,
      [5, 5, 7, 5, 9, 7].map((add) => ({ add })),
    );
    expect(summary.floor).toBe(1);
    expect(summary.top(2)).toEqual([
      { element: 5, count: 3, error: 0 },
      { element: 7, count: 2, error: 0 },
    ]);
  });

  it('puts the highest counts first', () => {
    fc.assert(
      fc.property(capacity, steps, (size, all) => {
        const counts = run(size, all)
          .summary.top(size)
          .map(({ count }) => count);
        expect(counts).toEqual(counts.toSorted((a, b) => b - a));
      }),
    );
  });

  it('forgets everything when cleared', () => {
    const { summary } = run(2, [{ add: 1 }, { add: 2 }, { add: 3 }]);
    summary.clear();
    expect(summary).toMatchObject({ total: 0, floor: 0 });
    expect(summary.top(9)).toEqual([]);
  });
});
