import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { msgpackCodec } from '../../../src/codec/msgpack.js';

/** By a writer that has written nothing before. */
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

  it('come back as they were whatever their fields are called, read once or often', () => {
    const reader = msgpackCodec();
    const names = [
      '"',
      "'",
      '\\',
      '`',
      '"];process.exit(1)//',
      '${1}',
      '\u2028',
      '\n',
      '',
      '0',
      'constructor',
      'é',
      '__proto',
      'toString',
    ];
    const value = Object.fromEntries(names.map((name, i) => [name, { [name]: i, rest: [{ [name]: null }] }]));
    const bytes = packed(value);
    for (let i = 0; i < 100; i++) expect(reader.decode(bytes)).toEqual(value);
    expect(Object.getPrototypeOf(reader.decode(bytes))).toBe(Object.prototype);
  });

  it('come back as they were with something unusual in some of them', () => {
    const reader = msgpackCodec();
    const usual = { at: new Date(1_700_000_000_123), of: new Map([['a', [1.5, -7, undefined]]]), n: 2 ** 40 };
    const unusual = { at: 10n ** 30n, of: new Set([1]), n: new Uint8Array([1, 2]) };
    for (let i = 0; i < 60; i++) {
      expect(reader.decode(packed(usual))).toStrictEqual(usual);
      if (i % 3 === 0 || i > 40) expect(reader.decode(packed(unusual))).toStrictEqual(unusual);
    }
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

  it('are written the same by every process, whatever it has written before', () => {
    const experienced = msgpackCodec();
    for (let i = 0; i < 20; i++) experienced.encode({ [`other${i}`]: { [`inner${i}`]: i } });
    const value = { id: 1, owner: { name: 'Ada' }, tags: [{ name: 'x' }, { id: 2, owner: null }] };
    expect(experienced.encode(value)).toEqual(msgpackCodec().encode(value));
  });

  it('are written by one writer, however many shapes there are, and dictionaries among them', () => {
    const writer = msgpackCodec();
    const reader = msgpackCodec();
    for (let i = 0; i < 300; i++) {
      const dictionary = Object.fromEntries(Array.from({ length: 100 + i }, (_, n) => [`k${i}-${n}`, { n }]));
      const many = Array.from({ length: 80 }, (_, n) => ({ [`f${(i + n) % 90}`]: n, id: n }));
      for (const value of [{ [`field${i}`]: i, dictionary }, many, { long: { ['n'.repeat(3000)]: i } }]) {
        expect(reader.decode(writer.encode(value))).toEqual(value);
      }
    }
  });

  it('are right where a value is encoded in the middle of another', () => {
    const codec = msgpackCodec();
    for (let i = 0; i < 100; i++) {
      let inner: Uint8Array | undefined;
      const value = {
        [`before${i}`]: { a: 1 },
        get middle(): number {
          inner = codec.encode({ [`inner${i}`]: { a: 2 }, b: [{ c: 3 }] });
          return i;
        },
        after: { [`after${i}`]: { a: 4 } },
      };
      const bytes = codec.encode(value);
      expect(codec.decode(bytes)).toEqual({
        [`before${i}`]: { a: 1 },
        middle: i,
        after: { [`after${i}`]: { a: 4 } },
      });
      expect(codec.decode(inner ?? Buffer.of())).toEqual({ [`inner${i}`]: { a: 2 }, b: [{ c: 3 }] });
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
