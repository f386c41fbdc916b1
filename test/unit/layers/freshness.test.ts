import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeEntry } from '../../../src/codec/entry.js';
import {
  DEFAULT_FRESHNESS,
  judge,
  lifetimes,
  type Aging,
  type FreshnessOptions,
  type Verdict,
} from '../../../src/layers/freshness.js';

const HOUR = 3_600_000;
const lowest = (): number => 0;
const highest = (): number => 1 - Number.EPSILON / 2;

function options(given: Partial<FreshnessOptions> = {}): FreshnessOptions {
  return { ...DEFAULT_FRESHNESS, ttl: 10_000, ...given };
}

function entry(given: Partial<Aging> = {}): Aging {
  return { createdAt: 1_000_000, freshFor: 10_000, usableFor: undefined, cost: undefined, ...given };
}

const anyDraw = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const anyTtl = fc.integer({ min: 1, max: 30 * 24 * HOUR });
const anyWindow = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 24 * HOUR }));
const anyOptions = fc.record<FreshnessOptions>({
  ttl: anyTtl,
  staleWhileRevalidate: anyWindow,
  staleIfError: anyWindow,
  jitter: fc.double({ min: 0, max: 1, noNaN: true }),
  earlyRefresh: fc.double({ min: 0, max: 10, noNaN: true }),
});

describe('the lifetimes of an entry', () => {
  it('are the ttl when there is nothing else', () => {
    expect(lifetimes(options({ jitter: 0 }))).toEqual({
      freshFor: 10_000,
      usableFor: undefined,
      keepFor: 10_000,
    });
  });

  it('take up to a tenth off the ttl by default', () => {
    expect(lifetimes(options(), lowest).freshFor).toBe(10_000);
    expect(lifetimes(options(), () => 0.5).freshFor).toBe(9500);
    expect(lifetimes(options(), highest).freshFor).toBe(9000);
  });

  it('add each stale window to the ttl, and not to the other', () => {
    const both = { jitter: 0, staleWhileRevalidate: 2000, staleIfError: 60_000 };
    expect(lifetimes(options(both))).toEqual({ freshFor: 10_000, usableFor: 70_000, keepFor: 70_000 });
    expect(lifetimes(options({ ...both, staleIfError: 0 })).usableFor).toBe(12_000);
  });

  it('have no end when the ttl has none, whatever the windows', () => {
    expect(lifetimes(options({ ttl: Infinity, staleIfError: 1000 }))).toEqual({
      freshFor: undefined,
      usableFor: undefined,
      keepFor: Infinity,
    });
  });

  it('leave Redis an expiry it accepts, and the entry numbers it can hold, whatever the options', () => {
    fc.assert(
      fc.property(anyOptions, anyDraw, (given, draw) => {
        const { freshFor, usableFor, keepFor } = lifetimes(given, () => draw);
        expect(Number.isSafeInteger(keepFor)).toBe(true);
        expect(keepFor).toBeGreaterThanOrEqual(1);
        expect(usableFor ?? freshFor).toBe(keepFor);
        expect(() =>
          encodeEntry({ codec: 1, createdAt: 0, freshFor, usableFor }, Buffer.alloc(0)),
        ).not.toThrow();
      }),
    );
  });

  it('are never longer for the jitter, and shorter by no more than its share', () => {
    fc.assert(
      fc.property(anyOptions, anyDraw, (given, draw) => {
        const { freshFor = Infinity } = lifetimes(given, () => draw);
        expect(freshFor).toBeLessThanOrEqual(given.ttl);
        expect(freshFor).toBeGreaterThanOrEqual(Math.floor(given.ttl * (1 - given.jitter)));
      }),
    );
  });
});

describe('the verdict on an entry', () => {
  const windows = { staleWhileRevalidate: 2000, staleIfError: 60_000, earlyRefresh: 0 };
  const kept = entry({ usableFor: 70_000 });

  it.each<[age: number, verdict: Verdict]>([
    [0, 'fresh'],
    [9999, 'fresh'],
    [10_000, 'revalidate'],
    [11_999, 'revalidate'],
    [12_000, 'only-on-error'],
    [69_999, 'only-on-error'],
    [70_000, 'expired'],
  ])('at the age of %i ms is %s', (age, verdict) => {
    expect(judge(kept, windows, kept.createdAt + age)).toBe(verdict);
  });

  it('is expired at once after the ttl when there are no stale windows', () => {
    const { createdAt } = entry();
    expect(judge(entry(), options(), createdAt + 9999)).toBe('fresh');
    expect(judge(entry(), options(), createdAt + 10_000)).toBe('expired');
  });

  it('is never for use only after an error where revalidation reaches as far', () => {
    const same = { ...windows, staleWhileRevalidate: 60_000 };
    expect(judge(kept, same, kept.createdAt + 69_999)).toBe('revalidate');
    expect(judge(kept, same, kept.createdAt + 70_000)).toBe('expired');
  });

  it('keeps to the windows of the reader where they are shorter than those it was stored with', () => {
    const strict = { staleWhileRevalidate: 0, staleIfError: 0, earlyRefresh: 0 };
    expect(judge(kept, strict, kept.createdAt + 10_000)).toBe('expired');
  });

  it('keeps to what the entry says where the windows of the reader are longer', () => {
    const generous = { staleWhileRevalidate: HOUR, staleIfError: HOUR, earlyRefresh: 0 };
    expect(judge(kept, generous, kept.createdAt + 69_999)).toBe('revalidate');
    expect(judge(kept, generous, kept.createdAt + 70_000)).toBe('expired');
    expect(judge(entry(), generous, kept.createdAt + 10_000)).toBe('expired');
  });

  it('is fresh for ever when the entry never goes stale', () => {
    const eternal = entry({ freshFor: undefined, cost: 1e9 });
    expect(judge(eternal, options({ earlyRefresh: 10 }), 1e15, lowest)).toBe('fresh');
  });

  it('is fresh for an entry that seems to come from the future, as one may by a round trip', () => {
    expect(judge(kept, windows, kept.createdAt - 300)).toBe('fresh');
  });

  it('only ever gets worse as time passes', () => {
    const order: Verdict[] = ['fresh', 'early', 'revalidate', 'only-on-error', 'expired'];
    const anyEntry = fc.record<Aging>({
      createdAt: fc.integer({ min: 0, max: 2 ** 48 - 1 }),
      freshFor: fc.option(anyTtl, { nil: undefined }),
      usableFor: fc.option(anyTtl, { nil: undefined }),
      cost: fc.option(fc.integer({ min: 0, max: 1e10 }), { nil: undefined }),
    });
    const anyAge = fc.integer({ min: -1000, max: 60 * 24 * HOUR });
    fc.assert(
      fc.property(anyEntry, anyOptions, anyAge, anyAge, anyDraw, (stored, given, one, other, draw) => {
        const [sooner, later] = [one, other]
          .sort((a, b) => a - b)
          .map((age) => order.indexOf(judge(stored, given, stored.createdAt + age, () => draw)));
        expect(later).toBeGreaterThanOrEqual(sooner ?? 0);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('early refresh', () => {
  const eager = options({ earlyRefresh: 1 });
  /** Loaded in 100 ms. */
  const hot = entry({ freshFor: 10_000, cost: 100_000 });
  const expiry = hot.createdAt + 10_000;
  const SHARES = 10_000;

  /** Which share of all draws finds it due with so many milliseconds left. */
  function shareOfEarly(left: number, beta = 1, aging = hot): number {
    let early = 0;
    for (let i = 0; i < SHARES; i++) {
      const draw = (i + 0.5) / SHARES;
      if (judge(aging, options({ earlyRefresh: beta }), expiry - left, () => draw) === 'early') early++;
    }
    return early / SHARES;
  }

  it('has the distribution of the paper', () => {
    for (const left of [1, 10, 50, 100, 200, 500]) {
      expect(shareOfEarly(left)).toBeCloseTo(Math.exp(-left / 100), 3);
    }
    expect(shareOfEarly(100, 2)).toBeCloseTo(Math.exp(-1 / 2), 3);
  });

  it('grows likelier toward the expiry, with the cost of the load and with beta', () => {
    const lefts = [3000, 1000, 500, 200, 100, 50, 10, 1].map((left) => shareOfEarly(left));
    expect(lefts).toEqual([...lefts].sort((a, b) => a - b));
    expect(shareOfEarly(200, 1, { ...hot, cost: 200_000 })).toBeGreaterThan(shareOfEarly(200));
    expect(shareOfEarly(200, 3)).toBeGreaterThan(shareOfEarly(200));
  });

  it('does not happen long before the expiry, and chance is not even asked', () => {
    let asked = 0;
    const counting = (): number => {
      asked++;
      return 0;
    };
    expect(judge(hot, eager, expiry - 3700, counting)).toBe('fresh');
    expect(asked).toBe(0);
    expect(judge(hot, eager, expiry - 3699, counting)).toBe('early');
    expect(asked).toBe(1);
  });

  it('leaves out no draw that is possible', () => {
    expect(-100 * Math.log(2 ** -53)).toBeLessThan(3700);
    expect(judge(hot, eager, expiry - 3673, () => 2 ** -53)).toBe('early');
  });

  it('does not happen when it is off, when the cost is not known, and when the load cost nothing', () => {
    expect(judge(hot, options(), expiry - 1, lowest)).toBe('fresh');
    expect(judge(entry(), eager, expiry - 1, lowest)).toBe('fresh');
    expect(judge({ ...hot, cost: 0 }, eager, expiry - 1, lowest)).toBe('fresh');
  });

  it('ends where the entry goes stale', () => {
    const stale = { ...hot, usableFor: 20_000 };
    const given = { ...eager, staleWhileRevalidate: 10_000 };
    expect(judge(stale, given, expiry - 1, lowest)).toBe('early');
    expect(judge(stale, given, expiry, lowest)).toBe('revalidate');
  });
});
