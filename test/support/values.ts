import * as fc from 'fast-check';

const text = fc.string({ unit: 'grapheme', maxLength: 20 });

const leaf = fc.oneof(
  fc.constantFrom<unknown>(null, 0, false, '', true, NaN, Infinity, -Infinity, 2 ** 53 - 1),
  fc.integer(),
  fc.double().map((n) => (Object.is(n, -0) ? 0 : n)),
  fc.bigInt({ min: -(2n ** 200n), max: 2n ** 200n }),
  text,
  fc.date({ noInvalidDate: true }),
  fc.uint8Array(),
  fc.int32Array(),
  fc.float64Array({ noNaN: true }),
  fc.uint8Array().map((bytes) => Buffer.from(bytes)),
);

const propertyName = text.filter((name) => name !== '__proto__');

/** What an application may store: anything that a codec is to bring back as it was. */
export const storable: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    leaf,
    tie('array'),
    tie('object'),
    tie('map'),
    tie('set'),
  ),
  array: fc.array(tie('value'), { maxLength: 5 }),
  object: fc.dictionary(propertyName, tie('value'), { maxKeys: 5, noNullPrototype: true }),
  map: fc
    .array(fc.tuple(fc.oneof(text, fc.integer(), fc.bigInt()), tie('value')), { maxLength: 5 })
    .map((entries) => new Map(entries)),
  set: fc
    .array(fc.oneof(text, fc.integer(), fc.bigInt()), { maxLength: 5 })
    .map((members) => new Set(members)),
}))['value'];

/** Keys as applications make them, and as nobody should. */
export const anyKey: fc.Arbitrary<string> = fc.oneof(
  fc.string({ minLength: 1, maxLength: 30, unit: 'binary' }),
  fc.string({
    minLength: 1,
    maxLength: 4,
    unit: fc.constantFrom(':', '%', '3', 'A', 'a', '\0', '\r', '\n', ' ', '{', '}'),
  }),
  fc.constantFrom(
    '__proto__',
    'constructor',
    'toString',
    '::',
    '*',
    '\u00e9',
    'e\u0301',
    '\ufeff',
    '😀',
    'k'.repeat(5000),
  ),
);
