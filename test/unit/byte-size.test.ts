import { describe, expect, it } from 'vitest';

import { parseByteSize } from '../../src/byte-size.js';
import { InvalidOptionError } from '../../src/errors.js';

describe('parseByteSize', () => {
  it.each<[unknown, number]>([
    [1, 1],
    [1_048_576, 1_048_576],
    ['100b', 100],
    ['512kb', 524_288],
    ['64mb', 67_108_864],
    ['64MB', 67_108_864],
    ['1Gb', 1_073_741_824],
    ['1.5kb', 1536],
    ['0.3kb', 307],
  ])('reads %s as %d bytes', (value, bytes) => {
    expect(parseByteSize(value, 'maxBytes')).toBe(bytes);
  });

  it('names the option and shows the bad value', () => {
    expect(() => parseByteSize('64 mib', 'maxBytes')).toThrow(
      new InvalidOptionError("maxBytes: expected a size in bytes such as 1048576 or '64mb', got '64 mib'"),
    );
  });

  it.each<[unknown]>([
    [''],
    ['mb'],
    ['64'],
    ['-1mb'],
    ['1e3kb'],
    ['0b'],
    ['0.5b'],
    ['toString'],
    [`${'9'.repeat(400)}b`],
    [0],
    [-1],
    [0.5],
    [NaN],
    [Infinity],
    [2 ** 53],
    [null],
    [undefined],
    [5n],
    [[64]],
  ])('refuses %s', (value) => {
    expect(() => parseByteSize(value, 'maxBytes')).toThrow(InvalidOptionError);
  });
});
