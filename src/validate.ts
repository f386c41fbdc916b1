/**
 * Checks of what callers hand in. Every message names the option and shows the value it had, so that a
 * mistake in a configuration is found from the log line alone.
 */

import { InvalidKeyError, InvalidOptionError } from './errors.js';

const MAX_SHOWN = 60;
const MAX_DISTANCE = 2;
const SECRET_NAME = /password|passwd|token|secret|credential/i;

/**
 * A short, safe rendering of any value for a message: at most about 60 characters, never throws, never runs
 * a getter, a `toString` or a `toJSON` of the value, and never shows what goes by a secret name, nor the user and
 * password of a URL.
 *
 * @param name What the value is called; a name that speaks of a password, token or secret hides the value.
 */
export function describeValue(value: unknown, name = ''): string {
  if (SECRET_NAME.test(name)) {
    return '[hidden]';
  }
  switch (typeof value) {
    case 'string':
      return quote(withoutCredentials(value));
    case 'number':
      return Object.is(value, -0) ? '-0' : String(value);
    case 'bigint':
      return describeBigInt(value);
    case 'boolean':
    case 'undefined':
      return String(value);
    case 'symbol':
      return 'a symbol';
    case 'function':
      return 'a function';
    case 'object':
      return describeObject(value);
    default:
      return 'a value of an unknown type';
  }
}

/**
 * Refuses options nobody reads: a misspelt `ttl` that is silently ignored is found in production, months later.
 *
 * @param where Who takes the options, such as `createCache`; it begins the message.
 * @throws InvalidOptionError when `options` is not a plain set of options or has a name that is not in `known`.
 */
export function rejectUnknownOptions(
  options: object,
  known: readonly string[] | ReadonlySet<string>,
  where: string,
): void {
  // Callers from JavaScript pass what they like; the type alone is no guard.
  const given: unknown = options;
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new InvalidOptionError(`${where}: expected an object with options, got ${describeValue(given)}`);
  }
  for (const name of Object.keys(options)) {
    const isKnown = 'has' in known ? known.has(name) : known.includes(name);
    if (!isKnown) {
      const suggestion = nearest(name, known);
      throw new InvalidOptionError(
        `${where}: unknown option ${quote(name)}` +
          (suggestion === undefined ? '' : `; did you mean '${suggestion}'?`),
      );
    }
  }
}

/**
 * A whole number within limits.
 *
 * @param limits `min` (default 1) and `max` (default `Number.MAX_SAFE_INTEGER`), both inclusive.
 * @throws InvalidOptionError for anything else; numeric strings are not converted.
 */
export function positiveInteger(
  value: unknown,
  name: string,
  limits: { readonly min?: number; readonly max?: number } = {},
): number {
  const min = limits.min ?? 1;
  const max = limits.max ?? Number.MAX_SAFE_INTEGER;
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max) {
    return value;
  }
  const range = limits.max === undefined ? `of at least ${min}` : `from ${min} to ${max}`;
  throw new InvalidOptionError(
    `${name}: expected a whole number ${range}, got ${describeValue(value, name)}`,
  );
}

/**
 * One of a few allowed values.
 *
 * @throws InvalidOptionError that lists what is allowed.
 */
export function oneOf<const T extends string | number | boolean>(
  value: unknown,
  allowed: readonly T[],
  name: string,
): T {
  for (const candidate of allowed) {
    if (candidate === value) {
      return candidate;
    }
  }
  const choices = allowed.map((candidate) => describeValue(candidate)).join(', ');
  throw new InvalidOptionError(`${name}: expected one of ${choices}, got ${describeValue(value, name)}`);
}

/**
 * A key is a non-empty, well-formed string. Lone surrogates are refused because every one of them is written
 * to Redis as U+FFFD: two different keys would be one there.
 *
 * @throws InvalidKeyError
 */
export function assertKey(key: unknown, operation: string): asserts key is string {
  if (typeof key !== 'string' || key === '' || !key.isWellFormed()) {
    throw invalidKey(key, operation);
  }
}

/**
 * The keys of a bulk operation, each once. Text is refused: it is iterable, and would be taken for its letters.
 *
 * @throws InvalidKeyError
 */
export function distinctKeys(keys: Iterable<string>, operation: string): string[] {
  const given: unknown = keys;
  if (typeof given !== 'object' || given === null || !(Symbol.iterator in given)) {
    throw new InvalidKeyError(`${operation}: expected several keys, got ${describeValue(given)}`, {
      operation,
    });
  }
  const asked = [...new Set(keys)];
  for (const key of asked) assertKey(key, operation);
  return asked;
}

function invalidKey(key: unknown, operation: string): InvalidKeyError {
  if (typeof key === 'string' && key !== '') {
    return new InvalidKeyError(
      `${operation}: the key ${quote(key)} has a lone surrogate (not valid Unicode)`,
      {
        operation,
        key,
      },
    );
  }
  return new InvalidKeyError(`${operation}: expected a non-empty string as key, got ${describeValue(key)}`, {
    operation,
    ...(typeof key === 'string' && { key }),
  });
}

function withoutCredentials(text: string): string {
  // The last `@` and not the first, since a password that was not percent-encoded may have one, or a slash.
  const start = text.indexOf('://');
  const end = text.lastIndexOf('@');
  return start !== -1 && end > start ? `${text.slice(0, start)}://[hidden]${text.slice(end)}` : text;
}

function quote(text: string): string {
  // JSON escapes keep control characters and lone surrogates out of logs and terminals.
  const shown = JSON.stringify(text.length > MAX_SHOWN ? text.slice(0, MAX_SHOWN) : text)
    .slice(1, -1)
    .replaceAll('\\"', '"')
    .replaceAll("'", String.raw`\'`);
  return text.length > MAX_SHOWN ? `'${shown}…' (${text.length} characters)` : `'${shown}'`;
}

function describeBigInt(value: bigint): string {
  // Printing a huge bigint takes time in the square of its length.
  return BigInt.asIntN(64, value) === value ? `${value}n` : 'a bigint of more than 64 bits';
}

function describeObject(value: object | null): string {
  if (value === null) {
    return 'null';
  }
  try {
    if (Array.isArray(value)) {
      return `an array of ${value.length}`;
    }
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype === null || prototype === Object.prototype) {
      return describeKeys(value);
    }
    const constructor: unknown = Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value;
    const className: unknown =
      typeof constructor === 'function'
        ? Object.getOwnPropertyDescriptor(constructor, 'name')?.value
        : undefined;
    return typeof className === 'string' && className !== ''
      ? `an instance of ${className.slice(0, MAX_SHOWN)}`
      : 'an object';
  } catch {
    // A revoked or hostile proxy throws from any of the above.
    return 'an object';
  }
}

/** Names only: the values of an object may be secrets, whatever the object itself is called. */
function describeKeys(value: object): string {
  const names = Object.keys(value);
  const text = names.slice(0, 5).join(', ').slice(0, MAX_SHOWN);
  return names.length === 0 ? '{}' : `an object with ${text}${names.length > 5 ? ', …' : ''}`;
}

function nearest(name: string, known: Iterable<string>): string | undefined {
  let best: string | undefined;
  // A name may not change in more than a third of its letters, or `to` would suggest `ttl`, and `a` anything.
  let bestDistance = Math.min(MAX_DISTANCE, Math.ceil(name.length / 3)) + 1;
  if (name.length > MAX_SHOWN) {
    return undefined;
  }
  for (const candidate of known) {
    if (Math.abs(candidate.length - name.length) < bestDistance) {
      const distance = editDistance(name.toLowerCase(), candidate.toLowerCase());
      if (distance < bestDistance) {
        best = candidate;
        bestDistance = distance;
      }
    }
  }
  return best;
}

/** Insertions, deletions, substitutions and swaps of neighbours (optimal string alignment) between two words. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1];
      let cost = Math.min(
        (last[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + (same ? 0 : 1),
      );
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      if (swapped) {
        cost = Math.min(cost, (beforeLast[column - 2] ?? 0) + 1);
      }
      current.push(cost);
    }
    beforeLast = last;
    last = current;
  }
  return last[b.length] ?? 0;
}
