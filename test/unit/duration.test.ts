import { describe, expect, it } from 'vitest';

import { MAX_DURATION, parseDuration, type Duration } from '../../src/duration.js';
import { InvalidOptionError } from '../../src/errors.js';

function messageOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidOptionError);
    return error instanceof Error ? error.message : '';
  }
  return 'nothing was thrown';
}

describe('parseDuration', () => {
  it.each<[Duration, number]>([
    [500, 500],
    ['250ms', 250],
    ['30s', 30_000],
    ['15m', 900_000],
    ['1.5h', 5_400_000],
    ['2h', 7_200_000],
    ['1d', 86_400_000],
  ])('reads %s as %d ms', (value, milliseconds) => {
    expect(parseDuration(value, 'ttl')).toBe(milliseconds);
  });

  it('rounds to whole milliseconds, so that 1.1 minutes is not 66000.00000000001', () => {
    expect(parseDuration('1.1m', 'ttl')).toBe(66_000);
    expect(parseDuration(1.4, 'ttl')).toBe(1);
  });

  it('names the option and shows the bad value', () => {
    expect(messageOf(() => parseDuration('15 parsecs', 'ttl'))).toBe(
      "ttl: expected a duration such as 500 or '15m', got '15 parsecs'",
    );
  });

  it.each<[unknown]>([
    [''],
    ['m'],
    ['15'],
    ['-5s'],
    ['1e3ms'],
    [' 5s'],
    ['5s '],
    ['5S'],
    ['.5s'],
    ['5.s'],
    ['Infinity'],
    ['Infinitys'],
    ['toString'],
    [NaN],
    [null],
    [undefined],
    [true],
    [5n],
    [{}],
    [[5]],
  ])('refuses %s', (value) => {
    expect(messageOf(() => parseDuration(value, 'ttl', { min: 0 }))).toMatch(
      /^ttl: expected a duration such/,
    );
  });

  it('refuses negative durations whatever the limit', () => {
    expect(messageOf(() => parseDuration(-1, 'ttl'))).toBe(
      'ttl: expected a duration of at least 1 ms, got -1',
    );
    expect(messageOf(() => parseDuration(-0.1, 'ttl', { min: 0 }))).toContain('got -0.1');
  });

  it('allows zero only where the limits do', () => {
    expect(messageOf(() => parseDuration(0, 'ttl'))).toBe('ttl: expected a duration of at least 1 ms, got 0');
    expect(messageOf(() => parseDuration('0s', 'ttl'))).toContain("got '0s'");
    expect(parseDuration(0, 'ttl', { min: 0 })).toBe(0);
    expect(parseDuration(-0, 'ttl', { min: 0 })).toBe(0);
  });

  it('keeps to the limits, both inclusive', () => {
    const limits = { min: 100, max: 2000 };
    expect(parseDuration(100, 'lease', limits)).toBe(100);
    expect(parseDuration('2s', 'lease', limits)).toBe(2000);
    expect(messageOf(() => parseDuration('99ms', 'lease', limits))).toContain('at least 100 ms');
    expect(messageOf(() => parseDuration('3s', 'lease', limits))).toContain('at most 2000 ms');
  });

  it('applies the limits of each call to a text it has seen before', () => {
    expect(parseDuration('7s', 'a')).toBe(7000);
    expect(messageOf(() => parseDuration('7s', 'b', { max: 1000 }))).toContain('b: ');
    expect(parseDuration('7s', 'c')).toBe(7000);
  });

  it('takes Infinity only where it is allowed', () => {
    expect(parseDuration(Infinity, 'ttl', { allowInfinity: true })).toBe(Infinity);
    expect(parseDuration(Infinity, 'ttl', { allowInfinity: true, max: 5 })).toBe(Infinity);
    expect(messageOf(() => parseDuration(Infinity, 'ttl'))).toContain('got Infinity');
    expect(messageOf(() => parseDuration(-Infinity, 'ttl', { allowInfinity: true }))).toContain(
      'got -Infinity',
    );
    expect(messageOf(() => parseDuration(`${'9'.repeat(400)}s`, 'ttl', { allowInfinity: true }))).toContain(
      `at most ${MAX_DURATION} ms`,
    );
  });

  it('goes on working when more different texts come than it remembers', () => {
    for (let i = 1; i <= 1000; i++) {
      expect(parseDuration(`${i}s`, 'ttl')).toBe(i * 1000);
    }
    expect(parseDuration('1s', 'ttl')).toBe(1000);
  });
});
