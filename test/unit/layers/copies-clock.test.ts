import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Copies } from '../../../src/layers/copies.js';
import { CopyFields } from '../../../src/layers/copy-fields.js';
import type { EntryPolicy } from '../../../src/layers/entry-policy.js';
import { MemoryTier, type Kept } from '../../../src/layers/memory-tier.js';
import { Arena } from '../../../src/memory/arena.js';
import { NONE } from '../../../src/memory/slot-queues.js';

const UNPROVEN = 300;
const POLICY = { staleWhileRevalidate: 0, staleIfError: 0, earlyRefresh: 0, memory: Infinity } as EntryPolicy;

const jump = fc.oneof(fc.integer({ min: -3000, max: 3000 }), fc.constantFrom(-(2 ** 31), 2 ** 31));
const step = fc.record({
  /** What passes by the clock of this process, which only ever goes on. */
  passed: fc.nat(400),
  /** By how much somebody sets the clock of the server beside that. */
  jump: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: jump }),
});
const copy = fc.record({
  freshFor: fc.integer({ min: 1, max: 1500 }),
  usableFor: fc.option(fc.integer({ min: 0, max: 1500 }), { nil: undefined }),
  age: fc.integer({ min: -200, max: 1000 }),
  proven: fc.boolean(),
});

describe('a copy, while the clock of the server is set to and fro', () => {
  it('is served for the time that was left when it was kept, by the clock of this process, and never again', () => {
    fc.assert(
      fc.property(copy, fc.array(step, { minLength: 1, maxLength: 30 }), (given, steps) => {
        let mono = 1000;
        let server = 2 ** 41;
        const fields = new CopyFields();
        const arena = new Arena<unknown>({
          maxBytes: 100_000,
          maxEntries: undefined,
          overhead: 100,
          clock: { now: () => mono },
        });
        arena.addColumns(fields);
        const tier = new MemoryTier(arena, fields);
        const copies = new Copies(tier, () => server, UNPROVEN);
        const { freshFor, age, proven } = given;
        const usableFor = given.usableFor === undefined ? undefined : freshFor + given.usableFor;
        const kept: Kept = {
          value: 'v',
          tags: [],
          createdAt: server - age,
          freshFor,
          usableFor,
          cost: undefined,
        };
        copies.keep('k', kept, POLICY, undefined, proven);
        const plainUntil = mono + freshFor - age;
        const until = Math.min(mono + (usableFor ?? freshFor) - age, proven ? Infinity : mono + UNPROVEN);
        let wasGone = false;
        let wasRenewed = false;
        for (const { passed, jump: by } of steps) {
          mono += passed;
          server += passed + by;
          const isPlain = tier.plain('k') !== NONE;
          if (!wasRenewed) expect(isPlain).toBe(mono < plainUntil && mono < until);
          expect(isPlain && mono >= until).toBe(false);
          if (!isPlain) {
            // Looked at again, it may be young by the server's clock: that adds nothing to how long it stays.
            const found = copies.judged('k', POLICY);
            if (found) expect(mono).toBeLessThan(until);
            wasRenewed ||= found?.verdict === 'early';
          }
          const isGone = tier.any('k') === undefined;
          if (wasGone) expect(isGone).toBe(true);
          wasGone = isGone;
        }
      }),
      { numRuns: 500 },
    );
  });
});
