import { DecodeError, EncodeError } from '../errors.js';
import type { Codec } from './codec.js';
import { describe, explain, findUnencodable, type Rules, type Unencodable } from './unencodable.js';

const RULES: Rules = {
  codec: 'json',
  takes: new Set(),
  takesEveryPrimitive: false,
  takesProtoKey: true,
};

/**
 * JSON, for values that other programs read too. Strict: it throws `EncodeError`, with the path, for all that JSON would
 * change or drop without a word, and so every value is looked through before it is written.
 *
 * - Refused: `undefined` itself and within arrays, `NaN` and infinities, BigInt, functions, symbols, cycles, and the
 *   platform's objects (Date, RegExp, Map, Set, Error, Buffer and typed arrays, Promise, URL, …). Store a date as its
 *   `toISOString()`, or use the msgpack codec.
 * - A field that is `undefined` is left out, and `-0` comes back as `0`.
 * - An instance of a class of yours comes back as a plain object of its own enumerable fields, or as what its `toJSON`
 *   returns. Symbol keys are left out.
 */
export function jsonCodec(): Codec {
  return {
    name: 'json',
    id: 2,

    encode(value) {
      let text: string;
      let found: Unencodable | undefined;
      try {
        found = findUnencodable(value, RULES);
        text = found ? '' : JSON.stringify(value);
      } catch (error) {
        throw explain(error, value, RULES);
      }
      if (found) throw new EncodeError(describe(found, RULES));
      return Buffer.from(text);
    },

    decode(bytes) {
      const text = Buffer.isBuffer(bytes)
        ? bytes.toString()
        : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
      try {
        return JSON.parse(text) as unknown;
      } catch (error) {
        throw new DecodeError('not a value in JSON', { cause: error });
      }
    },
  };
}
