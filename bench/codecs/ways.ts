import type { Codec } from 'tiercel';
import { jsonCodec, msgpackCodec, v8Codec, type CompressionOptions } from 'tiercel';
import { protobufCodec } from 'tiercel/protobuf';
import type { Kind } from './values.js';

/** One way for Tiercel to store values. */
export interface Way {
  readonly codec: string;
  readonly compression: string;
  readonly make: () => Codec;
  readonly options: CompressionOptions | false;
  readonly at: (index: number) => unknown;
}

const COMPRESSIONS: ReadonlyArray<readonly [name: string, options: CompressionOptions | false]> = [
  ['none', false],
  ['deflate', { algorithm: 'deflate', threshold: 1 }],
  ['brotli', { algorithm: 'brotli', threshold: 1 }],
  ['zstd', { algorithm: 'zstd', threshold: 1 }],
  ['lz4', { algorithm: 'lz4', threshold: 1 }],
  ['deflate, dictionary', { algorithm: 'deflate', dictionary: true }],
  ['zstd, dictionary', { algorithm: 'zstd', dictionary: true }],
  ['lz4, dictionary', { algorithm: 'lz4', dictionary: true }],
];

/** Every codec with every compressor; dictionaries are for small values. */
export function waysFor({ at, message, name }: Kind): Way[] {
  const codecs: Array<readonly [name: string, make: () => Codec, at: Kind['at']]> = [
    ['msgpack', msgpackCodec, at],
    ['json', jsonCodec, at],
    ['v8', v8Codec, at],
  ];
  if (message) codecs.push(['protobuf', () => protobufCodec(message.schema), message.at]);
  return codecs.flatMap(([codec, make, values]) =>
    COMPRESSIONS.filter(([, options]) => name === 'profile' || options === false || !options.dictionary).map(
      ([compression, options]) => ({ codec, compression, make, options, at: values }),
    ),
  );
}
