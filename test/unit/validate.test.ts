import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { InvalidKeyError, InvalidOptionError } from '../../src/errors.js';
import {
  assertKey,
  describeValue,
  oneOf,
  positiveInteger,
  rejectUnknownOptions,
} from '../../src/validate.js';

describe('rejectUnknownOptions', () => {
  const known = ['ttl', 'namespace', 'maxBytes', 'staleWhileRevalidate'];

  it('accepts known options, from a list and from a set', () => {
    expect(() => rejectUnknownOptions({ ttl: 1, namespace: 'a' }, known, 'createCache')).not.toThrow();
    expect(() => rejectUnknownOptions({ ttl: 1 }, new Set(known), 'createCache')).not.toThrow();
    expect(() => rejectUnknownOptions({}, known, 'createCache')).not.toThrow();
  });

  it('suggests what was probably meant', () => {
    expect(() => rejectUnknownOptions({ tll: 5 }, known, 'createCache')).toThrow(
      new InvalidOptionError("createCache: unknown option 'tll'; did you mean 'ttl'?"),
    );
  });

  it.each([
    ['maxbytes', 'maxBytes'],
    ['namepsace', 'namespace'],
    ['staleWhileRevalidat', 'staleWhileRevalidate'],
    ['TTL', 'ttl'],
  ])('takes %s for %s', (given, meant) => {
    expect(() => rejectUnknownOptions({ [given]: 1 }, new Set(known), 'x')).toThrow(
      `did you mean '${meant}'?`,
    );
  });

  it.each(['colour', 'a', 'xyz', '', 'z'.repeat(100_000)])(
    'suggests nothing for what resembles nothing',
    (given) => {
      expect(() => rejectUnknownOptions({ [given]: 1 }, known, 'x')).toThrow(/^x: unknown option '[^?]*$/);
    },
  );

  it('is not fooled by names that every object has', () => {
    expect(() => rejectUnknownOptions({ constructor: 1 }, known, 'x')).toThrow(
      "unknown option 'constructor'",
    );
    expect(() => rejectUnknownOptions(JSON.parse('{"__proto__":1}') as object, known, 'x')).toThrow(
      '__proto__',
    );
  });

  it.each<[unknown]>([[null], [undefined], ['redis://:pass@host'], [['ttl']]])(
    'refuses %j in place of options',
    (options) => {
      expect(() => rejectUnknownOptions(options as object, known, 'createCache')).toThrow(
        /^createCache: expected an object with options, got (?!.*pass)/,
      );
    },
  );
});

describe('positiveInteger', () => {
  it('returns whole numbers within the limits, both inclusive', () => {
    expect(positiveInteger(1, 'n')).toBe(1);
    expect(positiveInteger(0, 'n', { min: 0 })).toBe(0);
    expect(positiveInteger(65_535, 'port', { max: 65_535 })).toBe(65_535);
  });

  it('says what it expected', () => {
    expect(() => positiveInteger(0, 'n')).toThrow(
      new InvalidOptionError('n: expected a whole number of at least 1, got 0'),
    );
    expect(() => positiveInteger('7', 'port', { max: 65_535 })).toThrow(
      new InvalidOptionError("port: expected a whole number from 1 to 65535, got '7'"),
    );
  });

  it.each([-1, 1.5, NaN, Infinity, 2 ** 53, null, undefined, 3n])('refuses %s', (value) => {
    expect(() => positiveInteger(value, 'n')).toThrow(InvalidOptionError);
  });
});

describe('oneOf', () => {
  it('returns an allowed value', () => {
    const mode: 'tracking' | 'none' = oneOf('none', ['tracking', 'none'], 'coherence');
    expect(mode).toBe('none');
  });

  it('lists what is allowed', () => {
    expect(() => oneOf('track', ['tracking', 'none', false], 'coherence')).toThrow(
      new InvalidOptionError("coherence: expected one of 'tracking', 'none', false, got 'track'"),
    );
  });
});

describe('describeValue', () => {
  class Account {
    readonly owner = 'someone';
  }

  it.each<[unknown, string]>([
    ['abc', "'abc'"],
    ["it's", String.raw`'it\'s'`],
    ['a\nb', String.raw`'a\nb'`],
    ['\ud800', String.raw`'\ud800'`],
    [5, '5'],
    [-0, '-0'],
    [NaN, 'NaN'],
    [12n, '12n'],
    [10n ** 100n, 'a bigint of more than 64 bits'],
    [null, 'null'],
    [undefined, 'undefined'],
    [Symbol('x'), 'a symbol'],
    [() => 1, 'a function'],
    [[1, 2], 'an array of 2'],
    [{}, '{}'],
    [{ a: 1, b: 2 }, 'an object with a, b'],
    [{ a: 1, b: 2, c: 3, d: 4, e: 5, f: 6 }, 'an object with a, b, c, d, e, …'],
    [new Account(), 'an instance of Account'],
    [new Map(), 'an instance of Map'],
  ])('renders a value in a few words', (value, text) => {
    expect(describeValue(value)).toBe(text);
  });

  it('cuts long text and says how long it was', () => {
    const text = describeValue('x'.repeat(1_000_000));
    expect(text).toContain('(1000000 characters)');
    expect(text.length).toBeLessThan(100);
  });

  it.each(['password', 'redis.password', 'authToken', 'clientSecret'])('hides the value of %s', (name) => {
    expect(describeValue('hunter2', name)).toBe('[hidden]');
    expect(() => positiveInteger('hunter2', name)).toThrow(/got \[hidden\]$/);
  });

  it('hides user and password of a URL, also when the URL is cut', () => {
    expect(describeValue('redis://app:hunter2@db:6379/0')).toBe("'redis://[hidden]@db:6379/0'");
    expect(describeValue('redis://app:p@ss/w0rd@db')).toBe("'redis://[hidden]@db'");
    expect(describeValue(`redis://app:${'hunter2'.repeat(50)}@db`)).not.toContain('hunter2');
  });

  it('never shows the values inside an object', () => {
    expect(describeValue({ url: 'hunter2' })).not.toContain('hunter2');
  });

  it('survives a revoked proxy', () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    expect(describeValue(proxy)).toBe('an object');
  });

  it('is short, whatever the value', () => {
    fc.assert(
      fc.property(
        fc.anything({ withBigInt: true, withNullPrototype: true, withSparseArray: true }),
        (value) => {
          // 60 characters may become six times as many when each must be escaped.
          expect(describeValue(value).length).toBeLessThan(420);
        },
      ),
    );
  });
});

describe('assertKey', () => {
  it('accepts any non-empty well-formed string', () => {
    for (const key of ['a', 'user:1', ' ', '\0', '😀', '键']) {
      expect(() => assertKey(key, 'get')).not.toThrow();
    }
  });

  it('refuses lone surrogates, all of which Redis would see as one key', () => {
    for (const key of ['\ud800', 'a\udfff', '\ude00\ud83d']) {
      expect(() => assertKey(key, 'get')).toThrow(InvalidKeyError);
    }
  });

  it.each<[unknown]>([[''], [undefined], [null], [42], [{}]])('refuses %j', (key) => {
    expect(() => assertKey(key, 'get')).toThrow(/^get: expected a non-empty string as key, got /);
  });

  it('tells the operation, and the key where it is a string', () => {
    try {
      assertKey('a\ud800', 'getOrSet');
      expect.unreachable();
    } catch (error) {
      expect(error).toMatchObject({ code: 'TIERCEL_INVALID_KEY', operation: 'getOrSet', key: 'a\ud800' });
    }
  });
});
