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

  it('takes any string for a key, and never one for another', () => {
    const store = new MemoryStore<number>({ maxBytes: '1mb' });
    const keys = [
      '',
      '__proto__',
      'constructor',
      'a',
      'a\0',
      '\uD800',
      '\uDC00',
      '\uD800\uDC00',
      'é',
      'e\u0301',
      '1',
      '01',
    ];
    for (const [i, key] of keys.entries()) store.set(key, i);
    expect(keys.map((key) => store.get(key))).toEqual(keys.map((_, i) => i));
    expect([...store.keys()].toSorted()).toEqual(keys.toSorted());
    for (const key of keys) expect(store.delete(key)).toBe(true);
    expect([store.size, store.bytes]).toEqual([0, 0]);
  });

  it('keeps times far beyond 32 bits, and fractions of a millisecond', () => {
    let now = 1_700_000_000_000.25;
    const store = new MemoryStore<number>({ maxBytes: '1mb', now: () => now });
    const year = 365 * 86_400_000;
    store.set('a year', 1, { ttl: year });
    store.set('a moment', 2, { ttl: 1 });
    store.set('for ever', 3, { ttl: Infinity });
    expect(store.ttl('a year')).toBe(year);
    expect(store.get('a moment')).toBe(2);
    now += 0.75;
    expect(store.get('a moment')).toBe(2);
    now += 0.25;
    expect(store.get('a moment')).toBeUndefined();
    now += year - 1.5;
    expect(store.get('a year')).toBe(1);
    now += 0.5;
    expect(store.get('a year')).toBeUndefined();
    expect(store.ttl('for ever')).toBe(Infinity);
    expect(store.expire('for ever', 2 ** 40)).toBe(true);
    now += 2 ** 40;
    expect(store.has('for ever')).toBe(false);
  });

  it('removes what has expired little by little as others are written', () => {
    let now = 0;
    const store = new MemoryStore<number>({ maxBytes: '1mb', now: () => now });
    for (let i = 0; i < 100; i++) store.set(`old${i}`, i, { ttl: 10 });
    now = 10;
    for (let i = 0; i < 80; i++) store.set('same', i);
    expect(store.size).toBe(1);
    expect(store.evictions.expired).toBe(100);
  });

  it('lets go of what has expired before anything that lives', () => {
    let now = 0;
    const store = new MemoryStore<number>({ maxBytes: '1mb', maxEntries: 100, now: () => now });
    for (let i = 0; i < 100; i++) store.set(`k${i}`, i, { ttl: i < 50 ? 10 : 1000 });
    now = 10;
    for (let i = 0; i < 40; i++) store.set(`new${i}`, i);
    expect(store.evictions.capacity).toBe(0);
  });

  it('tells of all that left when the call is done, to one who may use the store and may throw', () => {
    const told: string[] = [];
    const store: MemoryStore<number> = new MemoryStore<number>({
      maxBytes: '1mb',
      maxEntries: 2,
      onEvict: (key, value, reason) => {
        told.push(`${key} ${value} ${reason}, ${store.size} left`);
        if (reason === 'replaced') store.set('from within', 9);
        if (reason === 'deleted') throw new Error('mine');
      },
    });
    store.set('a', 1);
    store.set('a', 2);
    expect(told).toEqual(['a 1 replaced, 1 left']);
    expect(store.get('from within')).toBe(9);
    expect(() => store.delete('a')).toThrow('mine');
    expect(store.has('a')).toBe(false);
    store.clear();
    expect(told.at(-1)).toBe('from within 9 cleared, 0 left');
    expect(store.evictions).toEqual({
      capacity: 0,
      expired: 0,
      replaced: 1,
      rejected: 0,
      deleted: 1,
      cleared: 1,
    });
  });

  it('agrees with a simple model on all operations', () => {
    const key = fc.integer({ min: 0, max: 40 }).map((n) => `k${n}`);
    const step = fc.record({
      op: fc.constantFrom(
        'set',
        'set',
        'set',
        'get',
        'get',
        'peek',
        'delete',
        'expire',
        'ttl',
        'tick',
        'prune',
        'clear',
      ),
      key,
      size: fc.oneof(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 0, max: 4000 })),
      ttl: fc.option(fc.integer({ min: 1, max: 50 }), { nil: undefined }),
      chance: fc.integer({ min: 0, max: 9 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 400 }), fc.boolean(), (steps, byEntries) => {
        let now = 0;
        const told: Record<string, number> = {};
        const model = new Map<string, { value: number; weight: number; until: number }>();
        const store = new MemoryStore<number>({
          maxBytes: 3000,
          maxEntries: byEntries ? 7 : undefined,
          now: () => now,
          onEvict: (_key, _value, reason) => void (told[reason] = (told[reason] ?? 0) + 1),
        });
        let sets = 0;
        const weigh = (name: string, size: number): number => {
          const alone = new MemoryStore<number>({ maxBytes: 10_000 });
          alone.set(name, 0, { size });
          return alone.bytes;
        };
        for (const [i, { op, key: name, size, ttl, chance }] of steps.entries()) {
          const known = model.get(name);
          const lives = known !== undefined && known.until > now;
          switch (op) {
            case 'set': {
              sets++;
              const stored = store.set(name, i, { size, ttl });
              model.delete(name);
              if (stored)
                model.set(name, { value: i, weight: weigh(name, size), until: now + (ttl ?? Infinity) });
              expect(store.peek(name)).toBe(stored ? i : undefined);
              break;
            }
            case 'get':
            case 'peek': {
              const held = op === 'get' ? store.get(name) : store.peek(name);
              if (held !== undefined) expect([held, lives]).toEqual([known?.value, true]);
              break;
            }
            case 'delete':
              expect(store.delete(name) && !lives).toBe(false);
              model.delete(name);
              break;
            case 'expire':
              if (store.expire(name, ttl ?? 1)) {
                expect(lives).toBe(true);
                if (known) known.until = now + (ttl ?? 1);
              }
              break;
            case 'ttl': {
              const left = store.ttl(name);
              if (left !== undefined) expect(left).toBe((known?.until ?? 0) - now);
              break;
            }
            case 'tick':
              now += 7;
              break;
            case 'prune':
              store.prune();
              break;
            default:
              if (chance > 0) break;
              store.clear();
              model.clear();
              expect([store.size, store.bytes]).toEqual([0, 0]);
          }
          expect(store.bytes).toBeLessThanOrEqual(3000);
          if (byEntries) expect(store.size).toBeLessThanOrEqual(7);
        }
        store.prune();
        const keys = [...store.keys()];
        expect(store.size).toBe(keys.length);
        expect(store.bytes).toBe(keys.reduce((sum, name) => sum + (model.get(name)?.weight ?? NaN), 0));
        // Every value that was set is held, or left for one reason.
        const { ...counts } = store.evictions;
        expect(Object.values(counts).reduce((sum, count) => sum + count, 0) + store.size).toBe(sets);
        for (const [reason, count] of Object.entries(counts)) expect(told[reason] ?? 0).toBe(count);
      }),
      { numRuns: 300 },
    );
  });
});
