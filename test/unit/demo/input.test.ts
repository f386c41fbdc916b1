import { describe, expect, it } from 'vitest';
import { BadRequest, parseEdit, parseId, parseLimit } from '../../../demo/http/input.js';
import { parseOptions } from '../../../demo/options.js';

describe('parseId', () => {
  it('takes what the database holds as an integer', () => {
    expect(parseId('1')).toBe(1);
    expect(parseId('2147483647')).toBe(2_147_483_647);
  });

  it.each(['', '0', '-1', '1.5', '1e3', '0x10', ' 1', '01', '2147483648', '99999999999', 'one', '1;--'])(
    'refuses %j',
    (text) => {
      expect(() => parseId(text)).toThrow(BadRequest);
    },
  );
});

describe('parseLimit', () => {
  it('is 20 when nothing is said', () => {
    expect(parseLimit(null)).toBe(20);
  });

  it('takes 1 to 100', () => {
    expect(parseLimit('1')).toBe(1);
    expect(parseLimit('100')).toBe(100);
  });

  it.each(['', '0', '101', '1000', '-5', '5.5', 'all'])('refuses %j', (text) => {
    expect(() => parseLimit(text)).toThrow(BadRequest);
  });
});

describe('parseEdit', () => {
  it('takes the fields a user may change', () => {
    expect(parseEdit('{"displayName":"Ada","bio":"","location":"Oslo"}')).toEqual({
      displayName: 'Ada',
      bio: '',
      location: 'Oslo',
    });
  });

  it.each([
    ['what is not JSON', 'bio=Hello'],
    ['an array', '[]'],
    ['null', 'null'],
    ['nothing to change', '{}'],
    ['a field there is not', '{"followers":1000000}'],
    ['a field every object inherits', '{"constructor":"x"}'],
    ['a value that is no text', '{"bio":5}'],
    ['a text that is too long', JSON.stringify({ bio: 'x'.repeat(501) })],
    ['a text the database cannot hold', '{"bio":"\\u0000"}'],
  ])('refuses %s', (_, body) => {
    expect(() => parseEdit(body)).toThrow(BadRequest);
  });
});

describe('parseOptions', () => {
  it('is the full size unless told otherwise', () => {
    const full = { users: 20_000, once: false, cluster: false, port: 3000, duration: 12_000 };
    expect(parseOptions([])).toEqual(full);
    expect(parseOptions(['--cluster'])).toEqual({ ...full, cluster: true });
  });

  it('is quick with --small, and --users and --seconds go before it', () => {
    expect(parseOptions(['--small', '--once'])).toMatchObject({ users: 1000, once: true, duration: 3000 });
    expect(parseOptions(['--small', '--users', '300', '--seconds', '1'])).toMatchObject({
      users: 300,
      duration: 1000,
    });
  });

  it('asks for the usage with --help', () => {
    expect(parseOptions(['--help'])).toBeUndefined();
  });

  it.each([
    ['--users', '5'],
    ['--users', 'many'],
    ['--port', '70000'],
    ['--seconds', '0'],
    ['--fast'],
    ['stray'],
  ])('refuses %j %j', (...args) => {
    expect(() => parseOptions(args)).toThrow();
  });
});
