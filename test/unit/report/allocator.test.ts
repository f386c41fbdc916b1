import { describe, expect, it } from 'vitest';
import { fitAllocator, type MeasuredString } from '../../../src/report/allocator.js';

/** MEMORY USAGE of a Redis 7.0 with jemalloc of a quantum of 16, under a key of one letter, by the length of the value. */
const QUANTUM_16 = new Map([
  [0, 64],
  [8, 64],
  [20, 80],
  [29, 96],
  [44, 96],
  [45, 112],
  [61, 128],
  [92, 144],
  [125, 208],
  [200, 272],
  [253, 368],
  [500, 560],
  [1000, 1072],
  [3000, 3120],
  [10_000, 10_288],
  [32_000, 32_816],
  [33_000, 41_008],
  [65_530, 81_968],
  [1_000_000, 1_048_624],
]);
const measured = ([valueBytes, usage]: readonly [number, number], keyBytes = 1): MeasuredString => ({
  keyBytes,
  valueBytes,
  usage,
});

describe('the sizes that an allocator rounds to', () => {
  const sample = [...QUANTUM_16].map((row) => measured(row));

  it('are found from what was measured', () => {
    expect(fitAllocator(sample)).toMatchObject({ name: 'jemalloc, quantum 16', meanError: 0 });
  });

  it('tell what a key takes with a value of another length', () => {
    const model = fitAllocator(sample);
    for (const from of sample) {
      for (const [length, usage] of QUANTUM_16) expect(model.usageWith(from, length)).toBe(usage);
    }
  });

  it('are told apart from finer ones', () => {
    // As Redis builds it: a value of 20 bytes takes 40 with its object, where a quantum of 16 makes it 48.
    const fine = [
      measured([20, 8 + 24 + 40]),
      measured([8, 8 + 24 + 32]),
      measured([40, 8 + 24 + 64]),
      measured([60, 8 + 24 + 16 + 64]),
      measured([12, 8 + 24 + 32]),
      measured([30, 8 + 24 + 56]),
    ];
    expect(fitAllocator(fine)).toMatchObject({ name: 'jemalloc, quantum 8', meanError: 0 });
  });

  it('say how far off they are', () => {
    const odd = sample.map((key, i) => ({ ...key, usage: key.usage + (i % 2) * 10 }));
    const { meanError } = fitAllocator(odd);
    expect(meanError).toBeGreaterThan(4);
    expect(meanError).toBeLessThan(10);
    expect(fitAllocator([]).meanError).toBe(0);
  });
});
