import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { keepLease } from '../../../src/layers/lease-keeper.js';
import { longerPause, NOT_TOLD, TOLD } from '../../../src/layers/lease-polling.js';
import type { Lease, Tier } from '../../../src/layers/shared-tier.js';

const LEASE = {} as Lease;
/** A lease is kept for so long, however long the load takes. */
const LONGEST_LOAD = 60_000;

describe('a lease that is kept', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('survives one extension that fails, and never outlives the end of its load or a minute by more than itself', () => {
    const anyLease = fc.integer({ min: 100, max: 30_000 });
    fc.assert(
      fc.property(anyLease, fc.integer({ min: 1, max: 120_000 }), fc.nat(20), (duration, took, failing) => {
        const began = performance.now();
        let until = began + duration;
        let attempts = 0;
        let last = began;
        const stop = keepLease(
          {
            extend: async () => {
              const now = performance.now();
              expect(now).toBeLessThan(until);
              last = now;
              if (attempts++ === failing) throw new Error('lost');
              until = now + duration;
              return true;
            },
          } as unknown as Tier,
          LEASE,
          duration,
          () => undefined,
        );
        vi.advanceTimersByTime(took);
        stop();
        const stopped = performance.now();
        if (took < LONGEST_LOAD) expect(until).toBeGreaterThan(stopped);
        vi.advanceTimersByTime(3 * duration);
        expect(last).toBeLessThanOrEqual(Math.min(stopped, began + LONGEST_LOAD));
        expect(until).toBeLessThanOrEqual(Math.min(stopped, began + LONGEST_LOAD) + duration);
      }),
      { numRuns: 60 },
    );
  });
});

describe('the pauses of those who wait', () => {
  it('only grow, are never for nothing, and end at a bound', () => {
    fc.assert(
      fc.property(fc.constantFrom(TOLD, NOT_TOLD), fc.nat(200), (polling, rounds) => {
        let pause = polling.first;
        for (let round = 0; round < rounds; round++) {
          const next = longerPause(pause, polling);
          expect(next).toBeGreaterThanOrEqual(pause);
          expect(next).toBeLessThanOrEqual(250);
          pause = next;
        }
        expect(pause).toBeGreaterThan(0);
      }),
    );
  });
});
