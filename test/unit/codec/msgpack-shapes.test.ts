import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { msgpackCodec } from '../../../src/codec/msgpack.js';

/** Bytes of their own: what a codec returns lasts until its next call. */
const packed = (value: unknown): Buffer => Buffer.from(msgpackCodec().encode(value));

describe('values of known shapes', () => {
  it('come back as they were, however many shapes there are and in whatever order they come', () => {
    const reader = msgpackCodec();
    const values = Array.from({ length: 1200 }, (_, i) => ({
      id: i,
      [`field${i % 700}`]: { nested: i, other: [{ a: i }, { a: i + 1 }, { b: null }] },
    }));
    for (const value of [...values, ...values.toReversed()])
      expect(reader.decode(packed(value))).toEqual(value);
  });

  it('are not mixed up when shapes differ in the order of their fields only, or in one that is missing', () => {
    const reader = msgpackCodec();
    const values = [
      { a: 1, b: 2, c: { x: 1, y: 2 } },
      { b: 1, a: 2, c: { y: 1, x: 2 } },
      { a: 1, c: { x: 1 } },
      { a: 1, b: undefined, c: { x: 1, y: undefined } },
    ];
    for (let round = 0; round < 3; round++) {
      for (const value of values) {
        const read = reader.decode(packed(value)) as object;
        expect(read).toStrictEqual(value);
        expect(Object.keys(read)).toEqual(Object.keys(value));
      }
    }
  });

  it('hold on to nothing of the bytes they came from', () => {
    const reader = msgpackCodec();
    const bytes = packed({ name: 'a'.repeat(100), raw: Buffer.from('raw'), view: new Uint16Array([1, 2]) });
    reader.decode(bytes);
    const read = reader.decode(bytes);
    bytes.fill(0);
    reader.decode(packed({ name: 'b'.repeat(100), raw: Buffer.from('war'), view: new Uint16Array([3, 4]) }));
    expect(read).toEqual({ name: 'a'.repeat(100), raw: Buffer.from('raw'), view: new Uint16Array([1, 2]) });
  });

  it('are read by one reader as by another that has read other things before', () => {
    const experienced = msgpackCodec();
    fc.assert(
      fc.property(
        fc.object({
          key: fc.string().filter((key) => key !== '__proto__'),
          withDate: true,
          withBigInt: true,
          withTypedArray: true,
        }),
        (value) => {
          const bytes = packed(value);
          const first = experienced.decode(bytes);
          expect(experienced.decode(bytes)).toEqual(first);
          expect(msgpackCodec().decode(bytes)).toEqual(first);
        },
      ),
    );
  });
});
