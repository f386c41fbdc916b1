import { deflateRawSync, inflateRawSync } from 'node:zlib';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { trainDictionary } from '../../../../src/codec/dictionaries/train.js';

const row = (i: number): Buffer =>
  Buffer.from(
    `{"id":${i},"mail":"user${i}@example.org","city":"${['Bern', 'Graz', 'Oslo'][i % 3]}","active":true}`,
  );
const rows = (from: number, count: number): Buffer[] =>
  Array.from({ length: count }, (_, i) => row(from + i));

describe('a dictionary', () => {
  it('makes small values of its kind much smaller, such as it was not made of too', () => {
    const dictionary = trainDictionary(rows(0, 150), 2048);
    for (const value of rows(1000, 20)) {
      const smaller = deflateRawSync(value, { dictionary });
      expect(smaller.length).toBeLessThan(value.length / 2.5);
      expect(inflateRawSync(smaller, { dictionary }).equals(value)).toBe(true);
    }
  });

  it('has what most samples have, and but little that only one has', () => {
    const samples = Array.from({ length: 50 }, (_, i) =>
      Buffer.from(`${i}${'abcdefghijklmnopqrstuvwxyz'.slice(i % 20)}${i * 7919} is common to all of them`),
    );
    const text = String(trainDictionary(samples, 256));
    expect(text).toContain(' is common to all of them');
    expect(text.match(/common to all/g)?.length).toBeLessThan(5);
  });

  it('has its best at the end', () => {
    const samples = Array.from({ length: 90 }, (_, i) =>
      Buffer.from(
        `${i % 9 === 0 ? 'now and then this one' : `${i} ${i * 31} ${i * 77}`}|in every single sample`,
      ),
    );
    const text = String(trainDictionary(samples, 4096));
    expect(text.lastIndexOf('in every single')).toBeGreaterThan(text.lastIndexOf('now and then'));
  });

  it('is empty where there is nothing in common', () => {
    expect(trainDictionary([], 1024).length).toBe(0);
    expect(trainDictionary([Buffer.from('abcdefghijkl')], 1024).length).toBe(0);
    expect(trainDictionary([Buffer.alloc(3), Buffer.alloc(0), Buffer.alloc(7)], 1024).length).toBe(0);
  });

  it('is never longer than asked for, whatever the samples', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 60 }),
        fc.integer({ min: 1, max: 3000 }),
        (samples, size) => {
          const twice = [...samples, ...samples].map((sample) => Buffer.from(sample));
          expect(trainDictionary(twice, size).length).toBeLessThanOrEqual(size);
        },
      ),
      { numRuns: 200 },
    );
  });
});
