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

/** A key may be as long as a value: these are of 1 MiB in Redis, and differ from each other at the very end, or hardly at all. */
export const HUGE_KEYS: readonly string[] = [
  'k'.repeat(2 ** 20),
  `${'k'.repeat(2 ** 20 - 1)}K`,
  '😀'.repeat(2 ** 18),
  `${'k'.repeat(2 ** 20 - 4)}😀`,
  '%3A:'.repeat(2 ** 18),
];

/** What would be a command, a pattern, a separator or a member of every object to whoever is not careful. */
export const HOSTILE_NAMES = [
  '__proto__',
  'constructor',
  'toString',
  '*',
  '?',
  '[a-z]*',
  '\\',
  '^',
  ':',
  '::',
  '%',
  '%3A',
  '%25',
  '%tag',
  '%changes',
  '%lease-',
  '{',
  '}',
  '{}',
  '{a}b',
  'a{b}c',
  '\n',
  '\r\n',
  'a\r\nb',
  '*1\r\n$8\r\nFLUSHALL\r\n',
  '\r\n+OK\r\n',
  '$-1\r\n',
  "'; return redis.call('FLUSHALL') --",
  '\0',
  ' ',
  '\u00e9',
  'e\u0301',
  '\ufeff',
  '\u2028',
  '😀',
] as const;

/** Keys as applications make them, and as nobody should. */
export const anyKey: fc.Arbitrary<string> = fc.oneof(
  { weight: 10, arbitrary: fc.string({ minLength: 1, maxLength: 30, unit: 'binary' }) },
  {
    weight: 10,
    arbitrary: fc.string({
      minLength: 1,
      maxLength: 4,
      unit: fc.constantFrom(':', '%', '3', 'A', 'a', '\0', '\r', '\n', ' ', '{', '}'),
    }),
  },
  { weight: 10, arbitrary: fc.constantFrom(...HOSTILE_NAMES, 'k'.repeat(5000)) },
  { weight: 1, arbitrary: fc.constantFrom(...HUGE_KEYS) },
);

/** Names of namespaces, of which the shortest and the strangest are likely to come together. */
export const anyName: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(...HOSTILE_NAMES),
  fc.string({ minLength: 1, maxLength: 3, unit: fc.constantFrom(':', '%', '3', 'A', 'a', '\n', '{', '}') }),
  fc.string({ minLength: 1, maxLength: 20, unit: 'binary' }),
);
