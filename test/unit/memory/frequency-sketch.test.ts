import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FrequencySketch } from '../../../src/memory/frequency-sketch.js';
import { hashKey } from '../../../src/memory/key-hash.js';

describe('FrequencySketch', () => {
  it('never says less than what it was told, halved as often as that was asked for', () => {
    const told = fc.array(fc.tuple(fc.string(), fc.integer({ min: 0, max: 15 })), { maxLength: 200 });
    fc.assert(
      fc.property(told, fc.nat(2), fc.nat(4000), (counts, halvings, entries) => {
        const sketch = new FrequencySketch(64);
        const most = new Map<string, number>();
        for (const [key, count] of counts) {
          sketch.raise(hashKey(key, 0), count);
          most.set(key, Math.max(count, most.get(key) ?? 0));
        }
        for (let i = 0; i < halvings; i++) sketch.halve();
        sketch.fit(entries);
        sketch.fit(2);
        for (const [key, count] of most) {
          expect(sketch.estimate(hashKey(key, 0))).toBeGreaterThanOrEqual(count >> halvings);
          expect(sketch.estimate(hashKey(key, 0))).toBeLessThanOrEqual(15);
        }
      }),
    );
  });

  it('is hardly ever wrong about as many keys as it was made for', () => {
    const sketch = new FrequencySketch(1000);
    for (let i = 0; i < 1000; i++) sketch.raise(hashKey(`key:${i}`, 0), 1 + (i % 8));
    let wrong = 0;
    for (let i = 0; i < 1000; i++) if (sketch.estimate(hashKey(`key:${i}`, 0)) !== 1 + (i % 8)) wrong++;
    for (let i = 0; i < 1000; i++) if (sketch.estimate(hashKey(`other:${i}`, 0)) !== 0) wrong++;
    expect(wrong).toBeLessThan(150);
  });
});

describe('hashKey', () => {
  it('differs in every part of the result for keys that differ anywhere', () => {
    const keys = [...Array(4000).keys()].flatMap((i) => [
      `user:${i}`,
      `${i}`.padEnd(600, '.'),
      `${'.'.repeat(600)}${i}`,
    ]);
    for (const shift of [0, 10, 22]) {
      const seen = new Set(keys.map((key) => (hashKey(key, 0) >>> shift) & 1023));
      expect(seen.size).toBe(1024);
    }
    // Three or four of 12,000 are expected to be one too many.
    expect(new Set(keys.map((key) => hashKey(key, 0))).size).toBeGreaterThan(keys.length - 30);
  });
});
