import { describe, expect, it } from 'vitest';

import { jsonCodec } from '../../../src/codec/json.js';
import { DecodeError, EncodeError } from '../../../src/errors.js';

const codec = jsonCodec();
const roundTrip = (value: unknown) => codec.decode(codec.encode(value));
const cyclic: { self?: unknown } = {};
cyclic.self = cyclic;

describe('jsonCodec', () => {
  it.each(
    [null, 0, false, '', 1.5, 'é😀', [], {}, { a: [null, { b: 'c' }] }, JSON.parse('{"__proto__":1}')].map(
      (v) => [v],
    ),
  )('brings back %j', (value) => {
    expect(roundTrip(value)).toStrictEqual(value);
  });

  it('brings back half a surrogate pair', () => {
    expect(roundTrip('a\ud800')).toBe('a\ud800');
  });

  it('leaves out fields that are undefined', () => {
    expect(codec.encode({ a: undefined, b: 1 })).toEqual(Buffer.from('{"b":1}'));
  });

  it('stores an instance as its fields, or as what its toJSON returns', () => {
    class Point {
      x = 1;
    }
    class Decimal {
      toJSON(): string {
        return '1.50';
      }
    }
    expect(roundTrip([new Point(), new Decimal()])).toEqual([{ x: 1 }, '1.50']);
  });

  it.each<[string, unknown]>([
    ['value: it is undefined', undefined],
    ['value.list[0]: it is undefined', { list: [undefined] }],
    ['value.a: it is NaN', { a: NaN }],
    ['value.a: it is -Infinity', { a: -Infinity }],
    ['value.a: it is a BigInt', { a: 1n }],
    ['value.a: it is a function', { a: () => 1 }],
    ['value.a: it is a symbol', { a: Symbol('a') }],
    ['value.a: it is a Date,', { a: new Date() }],
    ['value.a: it is a Map,', { a: new Map() }],
    ['value.a: it is a Set,', { a: new Set() }],
    ['value.a: it is a Buffer,', { a: Buffer.from('a') }],
    ['value.a: it is a Float32Array,', { a: new Float32Array(1) }],
    ['value.a: it is a RangeError,', { a: new RangeError('a') }],
    ['value.a: it is a RegExp,', { a: /a/ }],
    ['value.a: it is a URL,', { a: new URL('http://localhost') }],
    ['value.a: it is a Promise,', { a: Promise.resolve() }],
    ['value.self: it is in a cycle', cyclic],
  ])('refuses %s', (message, value) => {
    expect(() => codec.encode(value)).toThrow(EncodeError);
    expect(() => codec.encode(value)).toThrow(`the json codec cannot store ${message}`);
  });

  it.each(['', '{', 'undefined', '{"a":1}x'])('refuses to read %j', (text) => {
    expect(() => codec.decode(Buffer.from(text))).toThrow(DecodeError);
  });

  it('reads from within a larger Uint8Array', () => {
    expect(codec.decode(new Uint8Array(Buffer.from('xx[1]yy')).subarray(2, 5))).toEqual([1]);
  });
});
