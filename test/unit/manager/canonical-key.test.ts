import { isDeepStrictEqual } from 'node:util';

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { InvalidKeyError } from '../../../src/errors.js';
import { canonicalKey } from '../../../src/manager/canonical-key.js';

/** Small alphabets, so that equal values, and values that differ in one respect only, do come up. */
const confusableText = fc.string({
  unit: fc.constantFrom('"', '\\', ',', ':', '{', '}', '[', ']', '(', ')', '=', '>', '1', 'n', 'a', '\ud800'),
  maxLength: 3,
});
const confusableAtom = fc.oneof(
  confusableText,
  fc.constantFrom<unknown>(
    0,
    -0,
    1,
    1n,
    '1',
    '1n',
    NaN,
    'NaN',
    Infinity,
    -Infinity,
    null,
    'null',
    undefined,
    'undefined',
    true,
    'true',
    false,
    '',
  ),
  fc.constantFrom(0, 1).map((time) => new Date(time)),
  fc.constantFrom([], [0], [0, 1]).map((bytes) => Uint8Array.from(bytes)),
  fc.constantFrom([], [0], [0, 1]).map((bytes) => Int8Array.from(bytes)),
  fc.constantFrom([], [0], [0, 1]).map((bytes) => Buffer.from(bytes)),
);

function nested(atom: fc.Arbitrary<unknown>, name: fc.Arbitrary<string>): fc.Arbitrary<unknown> {
  return fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      atom,
      fc.array(tie('value'), { maxLength: 2 }),
      fc.dictionary(name, tie('value'), { maxKeys: 2, noNullPrototype: true }),
      fc.array(tie('value'), { maxLength: 2 }).map((members) => new Set(members)),
      // Primitive keys: whether two Maps with equal objects as keys are equal is decided otherwise by the reference.
      fc
        .array(fc.tuple(fc.constantFrom('a', 'b', 1, '1'), tie('value')), { maxLength: 2 })
        .map((pairs) => new Map(pairs)),
    ),
  })).value;
}

const confusable = nested(confusableAtom, fc.oneof(confusableText, fc.constantFrom('a', 'b', 'a b')));

/** The same structure, made anew, with everything unordered filled in reverse. */
function rebuilt(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(rebuilt);
  }
  if (value instanceof Map) {
    return new Map(
      Array.from(value as Map<unknown, unknown>, ([k, v]) => [rebuilt(k), rebuilt(v)] as const).toReversed(),
    );
  }
  if (value instanceof Set) {
    return new Set(Array.from(value as Set<unknown>, rebuilt).toReversed());
  }
  if (value instanceof Date) {
    return new Date(value.getTime());
  }
  if (Buffer.isBuffer(value)) {
    return Buffer.from(value);
  }
  if (ArrayBuffer.isView(value)) {
    return structuredClone(value);
  }
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(
      Object.entries(value)
        .toReversed()
        .map(([name, member]) => [name, rebuilt(member)]),
    );
  }
  return value;
}

describe('canonicalKey', () => {
  it.each<[unknown[], string]>([
    [[], ''],
    [[42], '42'],
    [['42'], '"42"'],
    [[1, 'de'], '1,"de"'],
    [['say "hi"\n'], String.raw`"say \"hi\"\n"`],
    [[0, -0, NaN, Infinity, -Infinity, 1.5, 1e21], '0,-0,NaN,Infinity,-Infinity,1.5,1e+21'],
    [[12n, -1n], '12n,-1n'],
    [[null, undefined, true, false], 'null,undefined,true,false'],
    [[new Date('2026-01-31T12:00:00Z'), new Date(NaN)], 'Date(2026-01-31T12:00:00.000Z),Date(NaN)'],
    [[[1, [2, []]]], '[1,[2,[]]]'],
    [[{ b: 1, a: { 'c d': 'x' }, 10: 2 }], '{"10":2,a:{"c d":"x"},b:1}'],
    [[{}], '{}'],
    [
      [
        new Map([
          ['b', 2],
          ['a', 1],
        ]),
      ],
      'Map("a"=>1,"b"=>2)',
    ],
    [[new Set([3, 1, 2])], 'Set(1,2,3)'],
    [[Buffer.from([0, 255]), new Uint8Array([0, 255])], 'Buffer(00ff),Uint8Array(00ff)'],
    [[new Uint16Array([1]), new Float64Array(1)], 'Uint16Array(0100),Float64Array(0000000000000000)'],
  ])('writes case %#: $1', (args, key) => {
    expect(canonicalKey(args)).toBe(key);
  });

  it('gives equal structures equal keys, whatever the order their members came in', () => {
    fc.assert(
      fc.property(fc.array(confusable, { maxLength: 3 }), (args) => {
        expect(canonicalKey(args.map(rebuilt))).toBe(canonicalKey(args));
      }),
      { numRuns: 1000 },
    );
  });

  it('gives equal keys to equal arguments and to no others', () => {
    const args = fc.array(confusable, { maxLength: 2, size: 'small' });
    fc.assert(
      fc.property(args, args, (one, other) => {
        expect(canonicalKey(one) === canonicalKey(other)).toBe(isDeepStrictEqual(one, other));
      }),
      { numRuns: 5000 },
    );
  });

  it('gives different keys to values of any shape', () => {
    const value = fc.anything({
      withBigInt: true,
      withDate: true,
      withMap: true,
      withSet: true,
      withTypedArray: true,
      withNullPrototype: false,
    });
    fc.assert(
      fc.property(value, value, (one, other) => {
        fc.pre(!isDeepStrictEqual(one, other));
        expect(canonicalKey([one])).not.toBe(canonicalKey([other]));
      }),
      { numRuns: 1000 },
    );
  });

  it('tells apart what naive joins and JSON confuse', () => {
    const sets: unknown[][] = [
      ['a,b'],
      ['a', 'b'],
      [['a', 'b']],
      [['a'], 'b'],
      [1],
      ['1'],
      [1n],
      [null],
      [undefined],
      [],
      [[]],
      [[undefined]],
      [[null]],
      [NaN],
      ['NaN'],
      [{}],
      [{ a: undefined }],
      [{ a: null }],
      [new Map()],
      [new Set()],
      [new Date(0)],
      ['1970-01-01T00:00:00.000Z'],
      [0],
      [-0],
      [Buffer.alloc(0)],
      [new Uint8Array()],
      ['\ud800'],
      ['\udfff'],
      [String.raw`\ud800`],
    ];
    expect(new Set(sets.map(canonicalKey)).size).toBe(sets.length);
  });

  it('is always well-formed Unicode, also when an argument is not', () => {
    const key = canonicalKey(['\ud800', { '\udfff': 1 }]);
    expect(Buffer.from(key).toString()).toBe(key);
  });

  it('takes an object without prototype for what it holds', () => {
    expect(canonicalKey([Object.assign(Object.create(null) as object, { a: 1 })])).toBe('{a:1}');
  });

  it('takes an own property named __proto__ for a property', () => {
    expect(canonicalKey([JSON.parse('{"__proto__":1}')])).toBe('{__proto__:1}');
  });

  it('accepts an object used twice, which is no cycle', () => {
    const shared = { a: 1 };
    expect(canonicalKey([shared, [shared, shared]])).toBe('{a:1},[{a:1},{a:1}]');
  });

  class Point {
    readonly x = 1;
  }
  const cycle: unknown[] = [];
  cycle.push({ cycle });
  let deep: unknown = 1;
  for (let i = 0; i < 100_000; i++) {
    deep = [deep];
  }

  it.each<[string, unknown]>([
    ['a function', () => 1],
    ['a symbol', Symbol('x')],
    ['an instance of a class', new Point()],
    ['an instance of a class that extends a known one', new (class Ids extends Array {})()],
    ['a RegExp', /x/],
    ['an Error', new Error('x')],
    ['a promise', Promise.resolve()],
    ['a WeakMap', new WeakMap()],
    ['an ArrayBuffer', new ArrayBuffer(1)],
    ['a boxed number', Object(1)],
    ['an object that only claims to be a Date', Object.create(Date.prototype)],
    ['a cycle', cycle],
    ['endless nesting', deep],
    ['a sparse array', Object.assign([], { 1: 1 })],
    ['the result of a match, an array with more to it', /a/.exec('a')],
    ['a sparse array with as many names as elements', Object.assign([], { length: 1, extra: 1 })],
    ['an object with a symbol for a name', { [Symbol('x')]: 1 }],
    ['a Map with properties', Object.assign(new Map(), { a: 1 })],
    ['a Date with properties', Object.assign(new Date(0), { a: 1 })],
    ['a function deep inside', { a: [new Map([['b', new Set([() => 1])]])] }],
  ])('refuses %s and names the index of the argument', (_, value) => {
    expect(() => canonicalKey([1, value])).toThrow(InvalidKeyError);
    expect(() => canonicalKey([1, value])).toThrow(/^cannot make a key from arguments\[1\]: /);
  });

  it('says what it found', () => {
    expect(() => canonicalKey([{ a: new Point() }])).toThrow(
      'cannot make a key from arguments[0]: it is or holds an instance of Point',
    );
  });

  it('keeps what a getter threw as the cause', () => {
    const failure = new Error('no');
    const argument = {
      get a(): never {
        throw failure;
      },
    };
    try {
      canonicalKey([argument]);
      expect.unreachable();
    } catch (error) {
      expect(error).toMatchObject({ code: 'TIERCEL_INVALID_KEY', cause: failure });
    }
  });
});
