import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MemoryStore } from '../../../src/memory/memory-store.js';

const key = fc.integer({ min: 0, max: 5 }).map((n) => `k${n}`);
const step = fc.oneof(
  fc.record({ op: fc.constant('set' as const), key, ttl: fc.option(fc.integer({ min: 1, max: 1000 })) }),
  fc.record({ op: fc.constantFrom('get' as const, 'peek' as const, 'has' as const, 'ttl' as const), key }),
  fc.record({ op: fc.constantFrom('delete' as const, 'prune' as const, 'clear' as const), key }),
  fc.record({ op: fc.constant('expire' as const), key, ttl: fc.integer({ min: 1, max: 1000 }) }),
  fc.record({
    op: fc.constant('jump' as const),
    by: fc.oneof(fc.integer({ min: -1500, max: 1500 }), fc.constantFrom(-(2 ** 40), 2 ** 40)),
  }),
);

interface Modelled {
  readonly value: number;
  until: number;
  /** The clock has passed its time, so that it may have been let go, wherever the clock went then. */
  wasPast: boolean;
}

describe('a store whose clock jumps to and fro', () => {
  it('gives out an entry as long as its clock allows, and none that it has let go', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        let now = 2 ** 41;
        const store = new MemoryStore<number>({ maxBytes: '1mb', now: () => now });
        const model = new Map<string, Modelled>();
        const agree = (name: string, held: boolean): void => {
          const known = model.get(name);
          if (held) expect(known?.until ?? 0).toBeGreaterThan(now);
          else if (known && known.until > now) expect(known.wasPast).toBe(true);
          // What was missed once stays away, though the clock went back.
          if (!held) model.delete(name);
        };
        for (const [i, one] of steps.entries()) {
          switch (one.op) {
            case 'set':
              store.set(one.key, i, { ttl: one.ttl ?? undefined });
              model.set(one.key, { value: i, until: now + (one.ttl ?? Infinity), wasPast: false });
              break;
            case 'get':
            case 'peek': {
              const value = one.op === 'get' ? store.get(one.key) : store.peek(one.key);
              if (value !== undefined) expect(value).toBe(model.get(one.key)?.value);
              if (one.op === 'get' || value !== undefined) agree(one.key, value !== undefined);
              break;
            }
            case 'has':
              if (store.has(one.key)) agree(one.key, true);
              break;
            case 'ttl': {
              const left = store.ttl(one.key);
              if (left !== undefined) expect(left).toBe((model.get(one.key)?.until ?? 0) - now);
              break;
            }
            case 'expire': {
              const known = model.get(one.key);
              const held = store.expire(one.key, one.ttl);
              agree(one.key, held);
              if (held && known) Object.assign(known, { until: now + one.ttl, wasPast: false });
              break;
            }
            case 'delete':
              store.delete(one.key);
              model.delete(one.key);
              break;
            case 'prune':
              store.prune();
              for (const [name, { until }] of model) if (until <= now) model.delete(name);
              break;
            case 'clear':
              store.clear();
              model.clear();
              break;
            case 'jump':
              now = Math.max(0, now + one.by);
              for (const known of model.values()) known.wasPast ||= known.until <= now;
          }
        }
        for (const name of store.keys()) if (store.has(name)) agree(name, true);
      }),
      { numRuns: 500 },
    );
  });
});
