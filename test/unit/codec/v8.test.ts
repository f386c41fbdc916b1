import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { v8Codec } from '../../../src/codec/v8.js';
import { Serializer } from '../../../src/codec/serializer.js';
import { DecodeError, EncodeError } from '../../../src/errors.js';
import { flipped, resealed } from '../../support/entries.js';
import { storable } from '../../support/values.js';

const codec = v8Codec();
const roundTrip = (value: unknown): unknown => codec.decode(codec.encode(value));

describe('v8Codec', () => {
  it('brings back any storable value', () => {
    fc.assert(
      fc.property(storable, (value) => {
        expect(roundTrip(value)).toStrictEqual(value);
      }),
    );
  });

  it('brings back cycles, what is met twice, -0 and undefined within', () => {
    const shared = { a: 1 };
    const value: Record<string, unknown> = { one: shared, other: shared, zero: -0, none: undefined };
    value['self'] = value;
    const back = roundTrip(value) as Record<string, unknown>;
    expect(back['self']).toBe(back);
    expect(back['one']).toBe(back['other']);
    expect(back['zero']).toBe(-0);
    expect('none' in back).toBe(true);
  });

  it('keeps nothing of the bytes it read', () => {
    const bytes = codec.encode({ raw: Buffer.from('abc'), numbers: new Float64Array([1, 2]) });
    const back = codec.decode(bytes);
    bytes.fill(0);
    expect(back).toStrictEqual({ raw: Buffer.from('abc'), numbers: new Float64Array([1, 2]) });
  });

  it.each<[string, unknown]>([
    ['undefined', undefined],
    ['a function', { f: () => 1 }],
    ['a symbol', [Symbol('s')]],
    ['a Promise', { p: Promise.resolve() }],
    ['a WeakMap', new WeakMap()],
  ])('refuses %s', (_, value) => {
    expect(() => codec.encode(value)).toThrow(EncodeError);
  });

  it('takes no damage for a value, and survives what the checksum does not tell', () => {
    const serializer = new Serializer(codec);
    const value = {
      id: 1,
      at: new Date(0),
      map: new Map([[1, [2n]]]),
      raw: Buffer.from('bytes'),
      text: 'é😀',
    };
    const entry = serializer.encode(value, { createdAt: 1 });
    for (const damaged of flipped(entry)) {
      expect(serializer.decode(damaged).ok).toBe(false);
      serializer.decode(resealed(damaged));
    }
    for (let length = 0; length < entry.length; length++) {
      expect(serializer.decode(entry.subarray(0, length)).ok).toBe(false);
    }
    for (const bytes of ['', 'ff', 'ff0f', 'ff0f6f', '7b7d']) {
      expect(() => codec.decode(Buffer.from(bytes, 'hex'))).toThrow(DecodeError);
    }
  });
});
