import { create, createFileRegistry, equals, type DescMessage, type Message } from '@bufbuild/protobuf';
import {
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
  FileDescriptorProtoSchema,
  TimestampSchema,
} from '@bufbuild/protobuf/wkt';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { protobufCodec } from 'tiercel/protobuf';

import { msgpackCodec } from '../../../src/codec/msgpack.js';
import { Serializer } from '../../../src/codec/serializer.js';
import { DecodeError, EncodeError, InvalidOptionError } from '../../../src/errors.js';
import { flipped, resealed } from '../../support/entries.js';

type Field = readonly [
  name: string,
  type: Type,
  extra?: { label?: Label; typeName?: string; oneofIndex?: number },
];

const USER: readonly Field[] = [
  ['id', Type.INT32],
  ['name', Type.STRING],
  ['active', Type.BOOL],
  ['photo', Type.BYTES],
  ['followers', Type.UINT64],
  ['roles', Type.STRING, { label: Label.REPEATED }],
  ['friend', Type.MESSAGE, { typeName: '.shop.User' }],
  ['rating', Type.DOUBLE],
  ['phone', Type.STRING, { oneofIndex: 0 }],
  ['mail', Type.STRING, { oneofIndex: 0 }],
];

/** A schema as a generator would have made it of a .proto file. */
function schemaOf(fields: readonly Field[], name = 'User'): DescMessage {
  const file = create(FileDescriptorProtoSchema, {
    name: 'shop.proto',
    package: 'shop',
    syntax: 'proto3',
    messageType: [
      {
        name,
        field: fields.map(([field, type, extra], i) => ({
          name: field,
          number: i + 1,
          type,
          label: Label.OPTIONAL,
          ...extra,
          ...(extra?.typeName !== undefined && { typeName: `.shop.${name}` }),
        })),
        oneofDecl: fields.some(([, , extra]) => extra?.oneofIndex === 0) ? [{ name: 'contact' }] : [],
      },
    ],
  });
  const found = createFileRegistry(file, () => undefined).getMessage(`shop.${name}`);
  if (!found) throw new Error('no such message');
  return found;
}

const schema = schemaOf(USER);
const make = (fields: Record<string, unknown>): Message => create(schema, fields);
const ada = make({
  id: 1,
  name: 'Ada',
  active: true,
  photo: Uint8Array.of(1, 2, 3),
  followers: 2n ** 63n,
  roles: ['author'],
  friend: make({ id: 2 }),
  rating: 4.5,
  contact: { case: 'mail', value: 'ada@example.org' },
});

describe('protobufCodec', () => {
  const codec = protobufCodec(schema);

  it('brings back a message, with nothing shared with the bytes it came from', () => {
    const bytes = codec.encode(ada);
    const back = codec.decode(bytes) as Message;
    bytes.fill(0);
    expect(equals(schema, back, ada)).toBe(true);
    expect(back.$typeName).toBe('shop.User');
  });

  it('brings back any message', () => {
    const fields = fc.record(
      {
        id: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
        name: fc.string({ unit: 'grapheme' }),
        active: fc.boolean(),
        photo: fc.uint8Array(),
        followers: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
        roles: fc.array(fc.string({ unit: 'grapheme' })),
        rating: fc.double({ noNaN: true }),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(fields, (given) => {
        const message = make(given);
        expect(equals(schema, codec.decode(codec.encode(message)) as Message, message)).toBe(true);
      }),
    );
  });

  it('takes messages of several types', () => {
    const both = protobufCodec(schema, TimestampSchema);
    const time = create(TimestampSchema, { seconds: 5n });
    expect(both.decode(both.encode(time))).toEqual(time);
    expect(both.decode(codec.encode(ada))).toEqual(ada);
  });

  it.each<[string, unknown]>([
    ['expected a message of shop.User, got', { id: 1 }],
    ['got null', null],
    ['got one of google.protobuf.Timestamp', create(TimestampSchema)],
    ['value.name: expected well-formed text', Object.assign(make({}), { name: 5 })],
    ['value.name: expected well-formed text', make({ name: 'a\ud800' })],
    ['value.active: expected true or false', Object.assign(make({}), { active: 'yes' })],
    ['value.followers: expected a BigInt', Object.assign(make({}), { followers: 5 })],
    ['value.photo: expected a Uint8Array', Object.assign(make({}), { photo: 'bytes' })],
    ['value.roles: expected an array', Object.assign(make({}), { roles: 'author' })],
    ['value.roles[1]: expected well-formed text', Object.assign(make({}), { roles: ['a', 1] })],
    ['value.rating: expected a number', Object.assign(make({}), { rating: '4' })],
    ['value.friend: expected a shop.User', Object.assign(make({}), { friend: create(TimestampSchema) })],
    ['value.friend.name: expected', make({ friend: Object.assign(make({}), { name: 1 }) })],
    ['value.mail: expected', Object.assign(make({}), { contact: { case: 'mail', value: 1 } })],
    ['value.nickname: there is no such field', Object.assign(make({}), { nickname: 'A' })],
    ['invalid int32', make({ id: 2 ** 40 })],
    ['invalid int32', make({ id: 1.5 })],
  ])('refuses: %s', (message, value) => {
    expect(() => codec.encode(value)).toThrow(EncodeError);
    expect(() => codec.encode(value)).toThrow(message);
  });

  it.each<[string, DescMessage]>([
    ['another type with the same fields', schemaOf(USER, 'Person')],
    ['a field more', schemaOf([...USER, ['age', Type.INT32]])],
    ['a field less', schemaOf(USER.slice(0, -1))],
    ['a field of another type', schemaOf([['id', Type.SINT32], ...USER.slice(1)])],
    ['a field by another name', schemaOf([['key', Type.INT32], ...USER.slice(1)])],
    ['fields in other places', schemaOf([USER[1] as Field, USER[0] as Field, ...USER.slice(2)])],
  ])('does not read what was written by %s', (_, other) => {
    const reader = protobufCodec(other);
    expect(() => reader.decode(codec.encode(ada))).toThrow(DecodeError);
    const entry = new Serializer(codec).encode(ada, { createdAt: 1 });
    expect(new Serializer(reader).decode(entry)).toMatchObject({ ok: false, reason: 'undecodable' });
  });

  it('reads what was written by the same schema made once more', () => {
    expect(protobufCodec(schemaOf(USER)).decode(codec.encode(ada))).toEqual(ada);
  });

  it('has a miss for whoever has other codecs, and for damage', () => {
    const serializer = new Serializer(codec);
    const entry = serializer.encode(ada, { createdAt: 1 });
    expect(new Serializer(msgpackCodec()).decode(entry)).toEqual({ ok: false, reason: 'other-codec' });
    for (const damaged of flipped(entry)) {
      expect(serializer.decode(damaged).ok).toBe(false);
      serializer.decode(resealed(damaged));
    }
    for (let length = 0; length < entry.length; length++) {
      expect(serializer.decode(entry.subarray(0, length)).ok).toBe(false);
      expect(() => codec.decode(codec.encode(ada).subarray(0, 3))).toThrow(DecodeError);
    }
  });

  it('refuses a schema that is none', () => {
    expect(() => protobufCodec({} as DescMessage)).toThrow(InvalidOptionError);
    expect(() => protobufCodec(schema, undefined as unknown as DescMessage)).toThrow(InvalidOptionError);
  });
});
