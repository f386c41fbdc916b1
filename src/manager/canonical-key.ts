/**
 * Keys from function arguments: readable, and never the same for different arguments.
 *
 * The canonical form. Arguments are written one after the other with a comma between:
 *
 * | value | written as |
 * | --- | --- |
 * | string | quoted with JSON's escapes: `"a\"b"` |
 * | number | `1.5`, `-0`, `NaN`, `Infinity`, `-Infinity`; 0 and -0 differ |
 * | bigint | `1n` |
 * | boolean, null, undefined | `true`, `false`, `null`, `undefined` |
 * | Date | `Date(2026-01-31T12:00:00.000Z)`, or `Date(NaN)` |
 * | array | `[1,2]` |
 * | plain object | `{a:1,"b c":2}`, its properties sorted, names quoted unless they are plain identifiers |
 * | Map | `Map("a"=>1,"b"=>2)`, sorted by the text of the entry |
 * | Set | `Set(1,2)`, sorted by the text of the member |
 * | typed array, Buffer | `Uint8Array(00ff)`, `Buffer(00ff)`: its bytes as hex |
 *
 * Every value begins differently from every value of another kind, and everything of variable length is quoted or
 * bracketed; so the text can be read back in one way only, which is why two values never share it. Order
 * counts where it has a meaning (arguments, arrays) and nowhere else: Maps that are equal but were filled in
 * another order are the same argument to most functions.
 *
 * `{ a: undefined }` and `{}` differ, as they may for the function. Refused is all that has no such form:
 * functions, symbols, instances of other classes (they may hold state that cannot be seen), sparse arrays,
 * accidental properties on an array, Date, Map or Set, properties named by symbols, cycles, and values nested
 * deeper than 100. Only enumerable properties count, and properties added to binary data are not looked at.
 */

import { types } from 'node:util';

import { InvalidKeyError } from '../errors.js';
import { describeValue } from '../validate.js';

const MAX_DEPTH = 100;
const IDENTIFIER = /^[A-Za-z_$][\w$]*$/;

const BINARY_NAMES: ReadonlyMap<unknown, string> = new Map<unknown, string>(
  [
    Buffer,
    Uint8Array,
    Uint8ClampedArray,
    Uint16Array,
    Uint32Array,
    Int8Array,
    Int16Array,
    Int32Array,
    Float32Array,
    Float64Array,
    BigInt64Array,
    BigUint64Array,
  ].map((type) => [type.prototype, type.name]),
);

/** Why a value was refused; becomes an InvalidKeyError once the argument's index is known. */
class NoCanonicalForm extends Error {}

/**
 * The arguments as text, by the form above. It is a well-formed string, and empty when there are no
 * arguments, so a key needs something before or around it.
 *
 * @throws InvalidKeyError that names the index of the argument that has no canonical form.
 */
export function canonicalKey(args: readonly unknown[]): string {
  let text = '';
  for (let index = 0; index < args.length; index++) {
    try {
      text += (index === 0 ? '' : ',') + write(args[index], []);
    } catch (error) {
      // A getter or a proxy may throw anything; the caller learns which argument it was all the same.
      const reason = error instanceof NoCanonicalForm ? error.message : 'reading it threw an error';
      throw new InvalidKeyError(`cannot make a key from arguments[${index}]: ${reason}`, {
        ...(!(error instanceof NoCanonicalForm) && { cause: error }),
      });
    }
  }
  return text;
}

function write(value: unknown, ancestors: readonly object[]): string {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value);
    case 'number':
      return Object.is(value, -0) ? '-0' : String(value);
    case 'bigint':
      return `${value}n`;
    case 'boolean':
    case 'undefined':
      return String(value);
    case 'object':
      return value === null ? 'null' : writeObject(value, ancestors);
    default:
      throw new NoCanonicalForm(`it is or holds ${describeValue(value)}`);
  }
}

function writeObject(value: object, ancestors: readonly object[]): string {
  if (ancestors.includes(value)) {
    throw new NoCanonicalForm('it refers to itself');
  }
  if (ancestors.length >= MAX_DEPTH) {
    throw new NoCanonicalForm(`it is nested deeper than ${MAX_DEPTH}`);
  }
  const path = [...ancestors, value];
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) {
    return writePlainObject(value, path);
  }
  if (Array.isArray(value) && prototype === Array.prototype) {
    return writeArray(value, path);
  }
  if (types.isDate(value) && prototype === Date.prototype) {
    assertNoProperties(value);
    const time = value.getTime();
    return Number.isNaN(time) ? 'Date(NaN)' : `Date(${value.toISOString()})`;
  }
  if (types.isMap(value) && prototype === Map.prototype) {
    assertNoProperties(value);
    const entries = Array.from(value, ([key, member]) => `${write(key, path)}=>${write(member, path)}`);
    return `Map(${entries.sort().join(',')})`;
  }
  if (types.isSet(value) && prototype === Set.prototype) {
    assertNoProperties(value);
    return `Set(${Array.from(value, (member) => write(member, path))
      .sort()
      .join(',')})`;
  }
  const binaryName = types.isTypedArray(value) ? BINARY_NAMES.get(prototype) : undefined;
  if (binaryName !== undefined && types.isTypedArray(value)) {
    return `${binaryName}(${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex')})`;
  }
  throw new NoCanonicalForm(`it is or holds ${describeValue(value)}`);
}

function writePlainObject(value: object, path: readonly object[]): string {
  assertNoSymbols(value);
  const properties: string[] = [];
  for (const name of Object.keys(value).sort()) {
    const member: unknown = Reflect.get(value, name);
    properties.push(`${IDENTIFIER.test(name) ? name : JSON.stringify(name)}:${write(member, path)}`);
  }
  return `{${properties.join(',')}}`;
}

function writeArray(value: readonly unknown[], path: readonly object[]): string {
  // Indexes come first and in order: as many names as elements, the last of them the last index, means that none is
  // missing and none was added.
  const names = Object.keys(value);
  if (names.length !== value.length || (names.length > 0 && names.at(-1) !== String(value.length - 1))) {
    throw new NoCanonicalForm('it is or holds an array with holes or named properties');
  }
  assertNoSymbols(value);
  return `[${value.map((element) => write(element, path)).join(',')}]`;
}

function assertNoProperties(value: object): void {
  if (Object.keys(value).length > 0) {
    throw new NoCanonicalForm(`it is or holds ${describeValue(value)} with properties of its own`);
  }
  assertNoSymbols(value);
}

function assertNoSymbols(value: object): void {
  if (Object.getOwnPropertySymbols(value).length > 0) {
    throw new NoCanonicalForm('it is or holds an object with a property named by a symbol');
  }
}
