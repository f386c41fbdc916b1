import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { MemoryStore } from '../../../src/memory/memory-store.js';

const make = (options: object) => () => new MemoryStore(options as { maxBytes: number });

describe('MemoryStore', () => {
  it('returns what was stored, and nothing that was not', () => {
    const store = new MemoryStore<unknown>({ maxBytes: '1mb' });
    expect(store.get('k')).toBeUndefined();
    for (const key of ['k', '', '__proto__', 'constructor', 'x'.repeat(10_000)]) {
      expect(store.set(key, key.length)).toBe(true);
      expect(store.get(key)).toBe(key.length);
      expect(store.has(key)).toBe(true);
    }
    expect(store.size).toBe(5);
    expect(store.delete('k')).toBe(true);
    expect(store.delete('k')).toBe(false);
    expect(store.get('k')).toBeUndefined();
    store.clear();
    expect([store.size, store.bytes]).toEqual([0, 0]);
  });

  it('does not return what has expired, and gives its bytes back', () => {
    let now = 0;
    const store = new MemoryStore<number>({ maxBytes: '1mb', now: () => now });
    store.set('soon', 1, { ttl: 100 });
    store.set('later', 2, { ttl: '1h' });
    store.set('never', 3);
    now = 99;
    expect(store.get('soon')).toBe(1);
    expect(store.ttl('soon')).toBe(1);
    now = 101;
    expect(store.get('soon')).toBeUndefined();
    expect(store.has('soon')).toBe(false);
    expect(store.get('later')).toBe(2);
    now = 4_000_000;
    expect(store.prune()).toBe(1);
    expect(store.size).toBe(1);
    expect(store.evictions.expired).toBe(2);
  });

  it('stays true when its clock stands still or steps back', () => {
    let now = 1000;
    const store = new MemoryStore<number>({ maxBytes: '1mb', now: () => now });
    store.set('k', 1, { ttl: 100 });
    now = 0;
    expect(store.get('k')).toBe(1);
    now = 99;
    expect(store.get('k')).toBe(1);
    now = 2 ** 31;
    expect(store.get('k')).toBeUndefined();
  });

  it('is never above its bytes, whatever comes and goes', () => {
    const maxBytes = 100_000;
    const store = new MemoryStore<string>({ maxBytes });
    let fullest = 0;
    for (let i = 0; i < 5000; i++) {
      store.set(`k${i % 900}`, 'v', { size: (i * 7919) % 3000 });
      if (i % 7 === 0) store.delete(`k${(i * 13) % 900}`);
      expect(store.bytes).toBeLessThanOrEqual(maxBytes);
      fullest = Math.max(fullest, store.bytes);
    }
    expect(fullest).toBeGreaterThan(maxBytes * 0.95);
    expect(store.set('too large', 'v', { size: maxBytes })).toBe(false);
    expect(store.evictions.rejected).toBe(1);
  });

  it('is never above its entries, and counts and tells of each that leaves', () => {
    const left: string[] = [];
    const store = new MemoryStore<number>({
      maxBytes: '10mb',
      maxEntries: 50,
      onEvict: (key, _value, reason) => left.push(`${key} ${reason}`),
    });
    for (let i = 0; i < 200; i++) store.set(`k${i}`, i);
    expect(store.size).toBe(50);
    expect(store.evictions.capacity).toBe(150);
    expect(left).toHaveLength(150);
    expect(left.every((text) => text.endsWith(' capacity'))).toBe(true);
  });

  it('lets go first of what was not used for longest', () => {
    const store = new MemoryStore<number>({ maxBytes: '10mb', maxEntries: 3 });
    for (const key of ['a', 'b', 'c']) store.set(key, 1);
    store.get('a');
    store.peek('b');
    store.set('d', 1);
    expect([...store.keys()].toSorted()).toEqual(['a', 'c', 'd']);
  });

  it('shares frozen values, clones, or shares as told', () => {
    const value = { list: [{ deep: 1 }] };
    const frozen = new MemoryStore<typeof value>({ maxBytes: '1mb' });
    frozen.set('k', value);
    expect(frozen.get('k')).toBe(value);
    expect(() => value.list.push({ deep: 2 })).toThrow(TypeError);

    const mine = { list: [{ deep: 1 }] };
    const cloning = new MemoryStore<typeof mine>({ maxBytes: '1mb', isolation: 'clone' });
    cloning.set('k', mine);
    mine.list.push({ deep: 2 });
    cloning.get('k')?.list.push({ deep: 3 });
    expect(cloning.get('k')).toEqual({ list: [{ deep: 1 }] });

    const sharing = new MemoryStore<typeof mine>({ maxBytes: '1mb', isolation: 'share' });
    sharing.set('k', mine);
    expect(sharing.get('k')).toBe(mine);
    expect(Object.isFrozen(mine)).toBe(false);
  });

  it('refuses wrong input with the value that was wrong', () => {
    expect(make({ maxBytes: '64 parsecs' })).toThrow(/maxBytes: .*64 parsecs/);
    expect(make({ maxBytes: 1, maxSize: 2 })).toThrow(/unknown option 'maxSize'/);
    expect(make({ maxBytes: 1, maxEntries: 0 })).toThrow(/maxEntries: .*got 0/);
    expect(make({ maxBytes: 1, isolation: 'none' })).toThrow(/isolation: .*'none'/);
    const store = new MemoryStore<unknown>({ maxBytes: 1000 });
    expect(() => store.set('k', undefined)).toThrow(/undefined/);
    expect(() => store.set('k', 1, { ttl: -1 })).toThrow(/ttl/);
  });

  it('agrees with a plain Map on everything it still holds', () => {
    const step = fc.record({
      op: fc.constantFrom('set', 'get', 'delete', 'peek', 'tick', 'clear'),
      key: fc.integer({ min: 0, max: 30 }).map((n) => `k${n}`),
      size: fc.integer({ min: 0, max: 400 }),
      ttl: fc.option(fc.integer({ min: 1, max: 50 }), { nil: undefined }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        let now = 0;
        const store = new MemoryStore<number>({ maxBytes: 3000, maxEntries: 12, now: () => now });
        const model = new Map<string, { value: number; until: number }>();
        for (const [i, { op, key, size, ttl }] of steps.entries()) {
          if (op === 'tick') now += 7;
          else if (op === 'clear' && i % 10 === 0) {
            store.clear();
            model.clear();
          } else if (op === 'set') {
            store.set(key, i, { size, ...(ttl !== undefined && { ttl }) });
            model.set(key, { value: i, until: now + (ttl ?? Infinity) });
          } else if (op === 'delete') {
            store.delete(key);
            model.delete(key);
          } else {
            const held = op === 'get' ? store.get(key) : store.peek(key);
            const known = model.get(key);
            // It may have made room; what is there is the last that was stored, and has not expired.
            if (held !== undefined) {
              expect(held).toBe(known?.value);
              expect(known?.until).toBeGreaterThan(now);
            }
          }
          expect(store.bytes).toBeLessThanOrEqual(3000);
          expect(store.size).toBeLessThanOrEqual(12);
        }
        expect([...store.keys()].every((key) => model.has(key))).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});
