import { describe, expect, it } from 'vitest';
import { IndexSize } from '../../../src/memory/index-size.js';
import { sizeOf } from '../../../src/memory/size-of.js';

describe('sizeOf', () => {
  it('counts members, and what is met twice once', () => {
    const shared = { text: 'x'.repeat(1000) };
    const once = sizeOf({ a: shared });
    expect(once).toBeGreaterThan(1000);
    expect(sizeOf({ a: shared, b: shared })).toBe(once + 8);
    expect(sizeOf(Array.from({ length: 40 }, () => shared))).toBeLessThan(once + 40 * 8 + 100);
  });

  it('says the same of an object whether or not it is flat, but for what it holds', () => {
    expect(sizeOf({ a: 1, b: 'text', c: null, d: {} })).toBe(
      sizeOf({ a: 1, b: 'text', c: null, d: true }) + sizeOf({}),
    );
  });

  it('knows of a character that makes all others wide, wherever it stands', () => {
    for (const length of [10, 40, 3000, 2 ** 20]) {
      const narrow = sizeOf('é'.repeat(length));
      for (const at of [0, length >> 1, length - 1]) {
        const wide = `${'é'.repeat(at)}ā${'é'.repeat(length - at - 1)}`;
        expect(sizeOf(wide)).toBeGreaterThanOrEqual(narrow + length - 7);
      }
    }
  });

  it('comes to an end and throws nothing, whatever it is given', () => {
    const cycle: Record<string, unknown> = { list: [] };
    (cycle['list'] as unknown[]).push(cycle, [cycle]);
    const throwing = {
      get bad(): never {
        throw new Error('no');
      },
    };
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    for (const value of [
      cycle,
      throwing,
      { throwing },
      proxy,
      [proxy],
      new (class Own {
        own = 1;
      })(),
      Object.create(null),
    ]) {
      expect(sizeOf(value)).toBeGreaterThan(0);
    }
    expect(sizeOf(Array.from({ length: 1e6 }, (_, i) => ({ i })))).toBeGreaterThan(3e7);
  });
});

describe('IndexSize', () => {
  it('doubles when it is full of keys that live, and not while half of them are dead', () => {
    const size = new IndexSize();
    for (let i = 0; i < 1024; i++) size.add();
    expect(size.bytes).toBe(28 * 1024);
    expect(size.growth).toBe(28 * 1024);
    for (let i = 0; i < 5000; i++) {
      size.remove();
      size.add();
    }
    expect(size.bytes).toBe(28 * 2048);
    let grown = 28 * 2048;
    for (let i = 0; i < 1024; i++) grown += size.remove();
    expect(size.bytes).toBe(grown);
    expect(size.bytes).toBeLessThan(200);
  });
});
