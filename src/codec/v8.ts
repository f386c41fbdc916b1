import { deserialize, serialize } from 'node:v8';
import { DecodeError, EncodeError } from '../errors.js';
import type { Codec } from './codec.js';

/**
 * The platform's own serialization, that of `structuredClone`: for values that no other codec takes, such as cycles and objects
 * that are met twice. Entries are larger than with msgpack, and reading takes several times as long for small values.
 *
 * - `undefined` within, `-0`, Date, Map, Set, BigInt, RegExp, Error (name, message, stack, cause), typed arrays, Buffers, and
 *   half a surrogate pair come back as they went in; an object met twice comes back as one.
 * - Refused with `EncodeError`: functions, symbols, Promise, WeakMap and the like, and `undefined` itself.
 * - An instance of a class comes back as a plain object of its own fields, also where the content was somewhere else: a `URL`
 *   comes back as `{}`.
 * - Its format grows with Node. An older Node reads nothing that a newer one has written with a later version of the format: a
 *   miss.
 */
export function v8Codec(): Codec {
  return {
    name: 'v8',
    id: 3,

    encode(value) {
      if (value === undefined) throw new EncodeError('the v8 codec cannot store value: it is undefined');
      try {
        return serialize(value);
      } catch (error) {
        throw new EncodeError(`the v8 codec cannot store value: ${String(error)}`, { cause: error });
      }
    },

    decode(bytes) {
      try {
        // Typed arrays that it reads are views into what it is given.
        return deserialize(new Uint8Array(bytes)) as unknown;
      } catch (error) {
        throw new DecodeError(`not a value in v8's format: ${String(error)}`, { cause: error });
      }
    },
  };
}
