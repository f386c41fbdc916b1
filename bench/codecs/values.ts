import { create, createFileRegistry, type DescMessage } from '@bufbuild/protobuf';
import {
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
  FileDescriptorProtoSchema,
} from '@bufbuild/protobuf/wkt';
import { makeValues } from '../values.js';

/** One kind of value to be stored. */
export interface Kind {
  readonly name: string;
  readonly at: (index: number) => unknown;
  /** The same as a message, where there is a schema of it. */
  readonly message?: { readonly schema: DescMessage; readonly at: (index: number) => unknown };
}

const RECORDS = 1000;

/** As of a sensor: numbers under six names. */
function records(index: number): unknown {
  return Array.from({ length: RECORDS }, (_, i) => {
    const n = index * RECORDS + i;
    return {
      id: n,
      time: 1_700_000_000_000 + n * 60_000,
      temperature: 18 + ((n * 7919) % 1000) / 100,
      humidity: (n * 31) % 100,
      pressure: 1013.25 + ((n * 104_729) % 400) / 10 - 20,
      ok: n % 17 !== 0,
    };
  });
}

const PROFILE_FIELDS = [
  ['id', Type.INT32],
  ['email', Type.STRING],
  ['name', Type.STRING],
  ['country', Type.STRING],
  ['active', Type.BOOL],
  ['balance', Type.INT32],
  ['rating', Type.DOUBLE],
  ['roles', Type.STRING, { label: Label.REPEATED }],
  ['address', Type.MESSAGE, { typeName: '.bench.Address' }],
  ['settings', Type.MESSAGE, { typeName: '.bench.Settings' }],
  ['bio', Type.STRING],
] as const;
const ADDRESS_FIELDS = [
  ['street', Type.STRING],
  ['city', Type.STRING],
  ['zip', Type.STRING],
] as const;
const SETTINGS_FIELDS = [
  ['theme', Type.STRING],
  ['language', Type.STRING],
  ['newsletter', Type.BOOL],
] as const;

type Field = readonly [
  name: string,
  type: Type,
  extra?: { readonly label?: Label; readonly typeName?: string },
];

const message = (name: string, fields: readonly Field[]) => ({
  name,
  field: fields.map(([field, type, extra], i) => ({
    name: field,
    number: i + 1,
    type,
    label: Label.OPTIONAL,
    ...extra,
  })),
});

function profileSchema(): DescMessage {
  const file = create(FileDescriptorProtoSchema, {
    name: 'bench.proto',
    package: 'bench',
    syntax: 'proto3',
    messageType: [
      message('Profile', PROFILE_FIELDS),
      message('Address', ADDRESS_FIELDS),
      message('Settings', SETTINGS_FIELDS),
    ],
  });
  const schema = createFileRegistry(file, () => undefined).getMessage('bench.Profile');
  if (!schema) throw new Error('no schema');
  return schema;
}

export function kinds(): Kind[] {
  const profile = makeValues('profile');
  const posts = makeValues('posts');
  const schema = profileSchema();
  return [
    {
      name: 'profile',
      at: (i) => profile.at(i % profile.count),
      message: {
        schema,
        // `manager` is null in all of them, which proto3 says by leaving it out.
        at: (i) => {
          const { manager: _, ...fields } = profile.at(i % profile.count) as Record<string, unknown>;
          return create(schema, fields);
        },
      },
    },
    { name: '20 posts', at: (i) => posts.at(i % posts.count) },
    { name: '1,000 numeric records', at: records },
  ];
}
