import { describe, expect, it } from 'vitest';
import { bytes, count, percent, rate, time } from '../../../dashboard/format.js';

describe('numbers for people', () => {
  it.each([
    [undefined, '–'],
    [0, '0 %'],
    [0.5, '50.0 %'],
    [0.0012, '0.12 %'],
    [0.9991, '99.91 %'],
    // What is not all does not look like all.
    [0.999999, '>99.99 %'],
    [1, '100 %'],
  ])('%s as a share is %s', (value, text) => {
    expect(percent(value)).toBe(text);
  });

  it.each([
    [undefined, '–'],
    [null, 'for ever'],
    [0, '0 ms'],
    [0.00004, '40 ns'],
    [0.0421, '42.1 µs'],
    [4.21, '4.2 ms'],
    [999, '999 ms'],
    [12_340, '12.3 s'],
    [754_000, '12 min 34 s'],
    [7_260_000, '2 h 1 min'],
    [180_000_000, '2 d 2 h'],
  ])('%s milliseconds are %s', (value, text) => {
    expect(time(value)).toBe(text);
  });

  it('counts, rates and bytes have as many digits as matter', () => {
    expect([count(12_345), count(1_234_567), count(undefined)]).toEqual(['12,345', '1.23M', '–']);
    expect([rate(0), rate(0.004), rate(0.25), rate(3.14), rate(314.2)]).toEqual([
      '0',
      '<0.01',
      '0.25',
      '3.1',
      '314',
    ]);
    expect([bytes(0), bytes(1000), bytes(1536), bytes(64 * 1024 ** 2)]).toEqual([
      '0 B',
      '1,000 B',
      '1.5 KiB',
      '64 MiB',
    ]);
  });
});
