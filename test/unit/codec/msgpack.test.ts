import * as fc from 'fast-check';
import { Packr } from 'msgpackr';
import { describe, expect, it } from 'vitest';

import { msgpackCodec } from '../../../src/codec/msgpack.js';
import { DecodeError, EncodeError } from '../../../src/errors.js';

const codec = msgpackCodec();
const roundTrip = (value: unknown) => codec.decode(Buffer.from(codec.encode(value)));

class Money {
  amount = 5;
  currency = 'EUR';
}

describe('what goes in comes out', () => {
  it.each<[string, unknown]>([
    ['null', null],
    ['0', 0],
    ['false', false],
    ['the empty string', ''],
    ['NaN', NaN],
    ['Infinity', Infinity],
    ['-Infinity', -Infinity],
    [
      'whole numbers of every size',
      [31, 32, 63, 64, 127, 128, 255, 256, 65_536, 2 ** 32, 2 ** 53, -1, -33, -(2 ** 31) - 1],
    ],
    ['a Date', new Date('2024-03-01T12:30:45.123Z')],
    [
      'dates far away',
      [new Date(-1), new Date(-8.64e15), new Date(8.64e15), new Date(0), new Date(2 ** 32 * 1000 + 7)],
    ],
    [
      'a Map',
      new Map<unknown, unknown>([
        ['a', 1],
        [{ k: 1 }, new Map()],
        [2, undefined],
      ]),
    ],
    ['a Set', new Set([1, 'a', { b: new Set() }])],
    ['BigInts', [0n, -1n, 2n ** 63n, -(2n ** 63n), 2n ** 64n, 10n ** 400n, -(7n ** 90_000n)]],
    ['a RegExp', /a+[/]b/giu],
    ['undefined within', { a: undefined, b: [undefined, 1] }],
    ['nested empties', { a: {}, b: [], c: [[]], d: new Map([[1, {}]]) }],
    ['keys of all kinds', { '': 1, '1': 2, 'a b': 3, é: 4, constructor: 5, toString: 6, hasOwnProperty: 7 }],
    ['text of all kinds', ['é', '😀', '\u0000', '\uFEFFa', 'x'.repeat(70_000), 'é'.repeat(40)]],
    ['an object of 70,000 keys', Object.fromEntries(Array.from({ length: 70_000 }, (_, i) => [`k${i}`, i]))],
  ])('%s', (_, value) => {
    expect(roundTrip(value)).toStrictEqual(value);
  });

  it('an invalid Date', () => {
    const back = roundTrip([new Date(NaN)]) as [Date];
    expect(back[0]).toBeInstanceOf(Date);
    expect(back[0].getTime()).toBeNaN();
  });

  it.each([
    Int8Array,
    Uint8Array,
    Uint8ClampedArray,
    Int16Array,
    Uint16Array,
    Int32Array,
    Uint32Array,
    Float32Array,
    Float64Array,
  ])('%o', (type) => {
    const back = roundTrip({ a: type.from([1, 2, 250]), none: new type(0) });
    expect(back).toStrictEqual({ a: type.from([1, 2, 250]), none: new type(0) });
  });

  it('BigInt arrays, ArrayBuffer, DataView, and a Buffer as a Buffer', () => {
    const bytes = Uint8Array.from([1, 2, 3]).buffer;
    const value = [
      BigInt64Array.of(-1n),
      BigUint64Array.of(2n ** 64n - 1n),
      bytes,
      new DataView(bytes),
      Buffer.from('abc'),
    ];
    const back = roundTrip(value) as unknown[];
    expect(back).toStrictEqual(value);
    expect(Buffer.isBuffer(back[4])).toBe(true);
    expect(Buffer.isBuffer((roundTrip([Uint8Array.of(1)]) as unknown[])[0])).toBe(false);
  });

  it('an Error with its name, message and cause', () => {
    const back = roundTrip(new TypeError('no', { cause: { a: 1 } })) as Error;
    expect(back).toBeInstanceOf(TypeError);
    expect([back.name, back.message, back.cause]).toEqual(['TypeError', 'no', { a: 1 }]);
  });

  it('any plain value', () => {
    const any = fc.anything({
      withBigInt: true,
      withDate: true,
      withMap: true,
      withSet: true,
      withTypedArray: true,
      withUnicodeString: true,
    });
    fc.assert(
      fc.property(any, (value) => {
        fc.pre(value !== undefined && !JSON.stringify([...keysOf(value)]).includes('__proto__'));
        expect(roundTrip({ value })).toEqual(positiveZero({ value }));
      }),
      { numRuns: 300 },
    );
  });

  it('as ordinary objects, that can be added to', () => {
    const back = roundTrip({ list: [1] }) as { list: number[]; more?: number };
    back.list.push(2);
    back.more = 3;
    expect(back).toStrictEqual({ list: [1, 2], more: 3 });
  });
});

describe('what changes, as documented', () => {
  it.each<[string, unknown, unknown]>([
    ['-0 becomes 0', [-0], [0]],
    ['a hole becomes undefined', Object.assign([1], { 2: 3 }), [1, undefined, 3]],
    [
      'half a surrogate pair becomes U+FFFD',
      JSON.parse('["a\\ud800"]'),
      expect.arrayContaining([expect.stringMatching(/^a�+$/)]),
    ],
    ['an instance becomes a plain object', [new Money()], [{ amount: 5, currency: 'EUR' }]],
    ['an object without prototype gets one', Object.assign(Object.create(null), { a: 1 }), { a: 1 }],
  ])('%s', (_, value, back) => {
    expect(roundTrip(value)).toEqual(back);
  });

  it('what has a toJSON becomes what that returns', () => {
    class Decimal {
      toJSON(): string {
        return '1.50';
      }
    }
    expect(roundTrip({ price: new Decimal() })).toEqual({ price: '1.50' });
  });
});

describe('what cannot be brought back', () => {
  const parent: { name: string; children: unknown[] } = { name: 'p', children: [] };
  parent.children.push({ parent });
  const large: { blob: Buffer; self?: unknown } = { blob: Buffer.alloc(1 << 20) };
  large.self = large;
  class OwnMap extends Map<number, number> {}
  class OwnBytes extends Uint8Array {}

  it.each<[string, unknown]>([
    ['value: it is undefined', undefined],
    ['value: it is a function', () => 1],
    ['value.user.callback: it is a function', { user: { callback: () => 1 } }],
    ['value.list[1]: it is a symbol', { list: [1, Symbol('s')] }],
    ['value["odd key"].get("k"): it is a function', { 'odd key': new Map([['k', () => 1]]) }],
    ['value.keys()[0]: it is a symbol', new Map([[Symbol('s'), 1]])],
    ['value[1]: it is a function', new Set([1, () => 1])],
    ['value.cause: it is a function', new Error('e', { cause: () => 1 })],
    ['value.children[0].parent: it is in a cycle', parent],
    ['value.self: it is in a cycle', large],
    ['value.p: it is a Promise,', { p: Promise.resolve() }],
    ['value.w: it is a WeakMap,', { w: new WeakMap() }],
    ['value.w: it is a WeakRef,', { w: new WeakRef({}) }],
    ['value.u: it is a URL,', { u: new URL('http://localhost') }],
    ['value[0]: it is a Number,', [Object(5)]],
    ['value.b: it is a SharedArrayBuffer,', { b: new SharedArrayBuffer(8) }],
    ['value.m: it is a OwnMap,', { m: new OwnMap().set(1, 2) }],
    ['value.m: it is a OwnBytes,', { m: OwnBytes.of(3) }],
    ['value.e: it is a AggregateError,', { e: new AggregateError([], 'several') }],
    ['value.a: it has a key __proto__ of its own', { a: JSON.parse('{"__proto__":{"polluted":1}}') }],
  ])('%s', (message, value) => {
    const attempt = () => codec.encode(value);
    expect(attempt).toThrow(EncodeError);
    expect(attempt).toThrow(`the msgpack codec cannot store ${message}`);
  });

  it('too many levels, and a getter that throws, say so', () => {
    let deep: unknown = 1;
    for (let i = 0; i < 200_000; i++) deep = [deep];
    expect(() => codec.encode(deep)).toThrow(EncodeError);
    const cause = new Error('lazy field');
    const value = {
      get field(): never {
        throw cause;
      },
    };
    expect(() => codec.encode(value)).toThrow(expect.objectContaining({ code: 'TIERCEL_ENCODE', cause }));
  });

  it('leaves the codec fit for the next value', () => {
    expect(() => codec.encode({ a: [{ b: 1 }, () => 1] })).toThrow(EncodeError);
    expect(roundTrip([{ a: 1 }, { a: 2 }])).toEqual([{ a: 1 }, { a: 2 }]);
  });
});

describe('calls within calls', () => {
  it('a getter that encodes and decodes disturbs nothing', () => {
    const value = {
      before: { x: 1 },
      get lazy(): unknown {
        return roundTrip({ before: { y: 2 }, u: [{ x: 1 }] });
      },
      after: { x: 3 },
    };
    expect(roundTrip(value)).toEqual({
      before: { x: 1 },
      lazy: { before: { y: 2 }, u: [{ x: 1 }] },
      after: { x: 3 },
    });
  });

  it('a value of many megabytes does not keep its buffer', async () => {
    expect(roundTrip(['x'.repeat(3_000_000), 1])).toEqual(['x'.repeat(3_000_000), 1]);
    await Promise.resolve();
    expect(codec.encode('next').buffer.byteLength).toBeLessThan(1_000_000);
  });
});

describe('decoding', () => {
  it('keeps nothing of its source', () => {
    const value = {
      buffer: Buffer.from('abc'),
      bytes: Uint8Array.of(1, 2),
      text: 'x'.repeat(100),
      list: ['a', 'b'],
    };
    const source = Buffer.from(codec.encode(value));
    const back = codec.decode(source) as typeof value;
    source.fill(0xff);
    expect(back).toStrictEqual(value);
    expect(back.buffer.buffer).not.toBe(source.buffer);
  });

  it('takes a Uint8Array within a larger buffer', () => {
    const bytes = codec.encode({ b: Buffer.from('abc'), c: 'd' });
    const chunk = new Uint8Array(bytes.length + 20).fill(0xc4);
    chunk.set(bytes, 7);
    const back = codec.decode(chunk.subarray(7, 7 + bytes.length)) as { b: Buffer };
    expect(Buffer.isBuffer(back.b)).toBe(true);
    expect(back).toEqual({ b: Buffer.from('abc'), c: 'd' });
  });

  it('of bytes that hold a key __proto__ pollutes nothing', () => {
    const value = JSON.parse('{"__proto__":{"polluted":1},"a":1}') as object;
    const defined = new Packr({ moreTypes: true }).pack(value);
    const names = new Packr({ useRecords: false });
    const shapes = Buffer.concat([names.pack(['__proto__', 'a']), names.pack(['polluted'])]);
    for (const bytes of [
      Buffer.concat([Buffer.of(0), defined]),
      Buffer.concat([Buffer.of(shapes.length), shapes, Buffer.from('40410101', 'hex')]),
    ]) {
      const back = codec.decode(bytes) as Record<string, unknown>;
      expect(back['a']).toBe(1);
      expect(back['polluted']).toBeUndefined();
      expect(Object.getPrototypeOf(back)).toBe(Object.prototype);
    }
  });

  it.each([
    ['no bytes', ''],
    ['undefined', 'd40000'],
    ['bytes left over', '0101'],
    ['a byte that is no token', 'c1'],
    ['a record that was never defined', '41'],
    ['a record whose keys are numbers', 'd472409101'],
    ['an array of four billion', 'ddffffffff'],
    ['a map of four billion', 'dfffffffff'],
    ['a string of four billion', 'dbffffffff61'],
    ['bytes of four billion', 'c6ffffffff61'],
    ['a record of four billion keys', 'd47240ddffffffff'],
    ['bundled strings', 'd66200000000a161'],
    ['a reference', 'd67000000001'],
    ['a referent', 'd6690000000190'],
    ['an extension of another program', 'd40501'],
    ['a Set of no list', 'd4730001'],
    ['a typed array of no type', 'c704747f01020304'],
    ['a big integer of no bytes', 'c70042'],
    ['a bad RegExp', 'd4780092a128a0'],
  ])('refuses %s', (_, hex) => {
    expect(() => codec.decode(Buffer.from(`00${hex}`, 'hex'))).toThrow(DecodeError);
  });

  it.each([
    ['nothing at all', ''],
    ['a table that is cut short', '0591a161'],
    ['a table whose length never ends', '8080808080'],
    ['a table that cuts a shape short', '0291a161'],
    ['a table of shapes without names', '0191c0'],
    ['a table and no value', '0391a161'],
    ['a record whose number is not in the table', '0391a1614101'],
    ['a shape defined in the value under a number of the table', '0391a161d4724091a16201'],
  ])('refuses %s', (_, hex) => {
    expect(() => codec.decode(Buffer.from(hex, 'hex'))).toThrow(DecodeError);
  });

  it('of a value that defines shapes of its own beside those of the table', () => {
    const bytes = Buffer.from('0391a161924007d4726091a16208', 'hex');
    expect(codec.decode(bytes)).toEqual([{ a: 7 }, { b: 8 }]);
    expect(codec.decode(Buffer.from('0391a1614005', 'hex'))).toEqual({ a: 5 });
  });

  it('refuses levels without end', () => {
    expect(() => codec.decode(Buffer.concat([Buffer.alloc(500_000, 0x91), Buffer.of(0xc0)]))).toThrow(
      DecodeError,
    );
  });

  it('refuses every truncation', () => {
    const bytes = Buffer.from(
      codec.encode({
        a: [1, 2.5, 'text', null],
        m: new Map([[1, new Date()]]),
        s: new Set([2n ** 70n]),
        list: [{ x: 1 }, { x: 2 }],
      }),
    );
    for (let length = 0; length < bytes.length; length++) {
      expect(() => codec.decode(bytes.subarray(0, length))).toThrow(DecodeError);
    }
  });

  it('of any bytes returns or throws a DecodeError', () => {
    const seed = Buffer.from(
      codec.encode([
        { a: 1, b: 'text' },
        { a: 2, b: 'é' },
        new Map([[1, new Set([/x/])]]),
        new Error('e'),
        2n ** 70n,
        new Float64Array(2),
        new Date(),
      ]),
    );
    const mutated = fc
      .array(fc.tuple(fc.nat(seed.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 })
      .map((changes) => {
        const bytes = Buffer.from(seed);
        for (const [at, byte] of changes) bytes[at] = byte;
        return bytes;
      });
    const random = fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes));
    fc.assert(
      fc.property(fc.oneof(random, mutated), (bytes) => {
        try {
          codec.decode(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(DecodeError);
        }
      }),
      { numRuns: 2000 },
    );
    expect(roundTrip([{ a: 1 }])).toEqual([{ a: 1 }]);
  });
});

/** All own keys anywhere within. */
function* keysOf(value: unknown): Generator {
  if (typeof value !== 'object' || value === null) return;
  if (value instanceof Map) for (const pair of value) yield* keysOf(pair);
  else if (value instanceof Set) yield* keysOf([...value]);
  else if (!ArrayBuffer.isView(value)) {
    for (const [key, item] of Object.entries(value)) {
      yield key;
      yield* keysOf(item);
    }
  }
}

/** The value with 0 for every -0 and undefined for every hole, which are documented to change. */
function positiveZero(value: unknown): unknown {
  if (Object.is(value, -0)) return 0;
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value) || value instanceof Date)
    return value;
  if (Array.isArray(value)) return Array.from(value, positiveZero);
  if (value instanceof Map)
    return new Map(Array.from(value, ([k, v]) => [positiveZero(k), positiveZero(v)] as const));
  if (value instanceof Set) return new Set(Array.from(value, positiveZero));
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, positiveZero(item)]));
}
