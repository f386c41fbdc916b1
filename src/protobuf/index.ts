/** Protocol Buffers, by the optional peer `@bufbuild/protobuf`. */
import { fromBinary, isMessage, toBinary, type DescMessage } from '@bufbuild/protobuf';
import type { Codec } from '../codec/codec.js';
import { DecodeError, EncodeError, InvalidOptionError } from '../errors.js';
import { describeValue } from '../validate.js';
import { fingerprintOf } from './fingerprint.js';
import { messageCheck, type MessageCheck } from './message-check.js';

interface Schema {
  readonly message: DescMessage;
  readonly fingerprint: Uint8Array;
  readonly check: MessageCheck;
}

const FINGERPRINT_BYTES = 4;

/**
 * Protocol Buffers, for values that are messages of these types, as `create` of `@bufbuild/protobuf` makes them.
 *
 * Before each message stands a fingerprint of its schema. Protobuf itself would read the bytes of one message by the schema of
 * another and come to a value that nobody has stored; here that is a miss. So is a message of an earlier version of its
 * schema: it is loaded again.
 *
 * - Refused with `EncodeError`: all that is no message of one of these types, and fields with values that are not of their type.
 *
 * @example
 * import { protobufCodec } from 'tiercel/protobuf'
 * const cache = createCache({ redis, codec: protobufCodec(UserSchema, OrderSchema) })
 *
 * @throws InvalidOptionError
 */
export function protobufCodec(schema: DescMessage, ...others: readonly DescMessage[]): Codec {
  const byName = new Map<string, Schema>();
  const byFingerprint = new Map<string, Schema>();
  for (const message of [schema, ...others]) {
    assertSchema(message);
    const known: Schema = {
      message,
      fingerprint: fingerprintOf(message),
      check: messageCheck(message),
    };
    byName.set(message.typeName, known);
    byFingerprint.set(nameOf(known.fingerprint), known);
  }
  const names = [...byName.keys()].join(', ');

  return {
    name: 'protobuf',
    id: 4,

    encode(value) {
      const known = isMessage(value) ? byName.get(value.$typeName) : undefined;
      if (!known || !isMessage(value)) {
        throw new EncodeError(
          `the protobuf codec cannot store value: expected a message of ${names}, got ${describeGiven(value)}`,
        );
      }
      const wrong = known.check(value, 'value');
      if (wrong !== undefined) throw new EncodeError(`the protobuf codec cannot store ${wrong}`);
      try {
        return Buffer.concat([known.fingerprint, toBinary(known.message, value)]);
      } catch (error) {
        throw new EncodeError(`the protobuf codec cannot store value: ${String(error)}`, { cause: error });
      }
    },

    decode(bytes) {
      // Fields of bytes are views into what is read.
      const own = new Uint8Array(bytes);
      const known = byFingerprint.get(nameOf(own));
      if (!known) throw new DecodeError(`not a message of ${names} as this process knows them`);
      try {
        return fromBinary(known.message, own.subarray(FINGERPRINT_BYTES));
      } catch (error) {
        throw new DecodeError(`not a message of ${known.message.typeName}: ${String(error)}`, {
          cause: error,
        });
      }
    },
  };
}

/** The fingerprint before a message, to look it up by. */
function nameOf(bytes: Uint8Array): string {
  return bytes.subarray(0, FINGERPRINT_BYTES).join();
}

function describeGiven(value: unknown): string {
  return isMessage(value) ? `one of ${value.$typeName}` : describeValue(value);
}

/** Callers from JavaScript pass what they like; the type alone is no guard. */
function assertSchema(schema: unknown): void {
  if (typeof schema === 'object' && schema !== null && 'kind' in schema && schema.kind === 'message') return;
  throw new InvalidOptionError(
    `protobufCodec: expected schemas of messages, such as UserSchema, got ${describeValue(schema)}`,
  );
}
