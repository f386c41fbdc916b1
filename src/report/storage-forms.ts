import { BLOB_ID_BYTES } from '../codec/blobs/blob.js';
import { isWorthSharing } from '../codec/blobs/shared-heads.js';
import type { Codec } from '../codec/codec.js';
import { compressed, decompressed, readCompressed } from '../codec/compression/compressed-payload.js';
import { parseCompression, type Compression } from '../codec/compression/compression.js';
import { jsonCodec } from '../codec/json.js';
import { msgpackCodec } from '../codec/msgpack.js';
import { isParted, type PartedCodec } from '../codec/parted-codec.js';
import { v8Codec } from '../codec/v8.js';

/** One way to make bytes of values, to be compared with others. */
export interface StorageForm {
  readonly codec: string;
  readonly compressor: string;
  /** The payload. Throws, or rejects, for a value it cannot bring back. */
  encode(value: unknown): Uint8Array | Promise<Uint8Array>;
  decode(payload: Uint8Array): unknown;
}

/** What every process can store with; one more is one more line. */
const OWN: ReadonlyArray<() => Codec> = [msgpackCodec, jsonCodec, v8Codec];
const COMPRESSORS = ['deflate', 'brotli'] as const;

/** Our own ways and those of the codecs given, each name once; a codec given stands for our own of its name. */
export function storageForms(codecs: readonly Codec[]): StorageForm[] {
  const byName = new Map<string, Codec>();
  for (const codec of [...OWN.map((make) => make()), ...codecs]) byName.set(codec.name, codec);
  return [...byName.values()].flatMap((codec) => {
    const plain: StorageForm = isParted(codec)
      ? sharing(codec)
      : {
          codec: codec.name,
          compressor: 'none',
          encode: (value) => codec.encode(value),
          decode: (payload) => codec.decode(payload),
        };
    return [plain, ...COMPRESSORS.map((algorithm) => compressing(plain, algorithm))];
  });
}

/** As it is stored from the second value of a kind on: with an id for what all have in common. */
function sharing(codec: PartedCodec): StorageForm {
  let left: Buffer | undefined;
  return {
    codec: codec.name,
    compressor: 'none',
    encode(value) {
      const { head, body } = codec.encodeParts(value);
      left = isWorthSharing(head, body.length) ? head : undefined;
      return Buffer.concat([left ? Buffer.alloc(BLOB_ID_BYTES) : head, body]);
    },
    decode(payload) {
      return left
        ? codec.decodeParts(left, asBuffer(payload).subarray(BLOB_ID_BYTES))
        : codec.decode(payload);
    },
  };
}

/** Compressed from the default threshold on, where it pays. */
function compressing(plain: StorageForm, algorithm: (typeof COMPRESSORS)[number]): StorageForm {
  const compression = parseCompression({ algorithm }) as Compression;
  let smaller: ReturnType<typeof compressed>;
  return {
    codec: plain.codec,
    compressor: algorithm,
    async encode(value) {
      const payload = asBuffer(await plain.encode(value));
      smaller =
        payload.length < compression.threshold ? undefined : compressed(payload, compression, undefined);
      return smaller ? Buffer.concat([smaller.head, smaller.bytes]) : payload;
    },
    decode(payload) {
      const read = smaller && readCompressed(smaller.id, asBuffer(payload), Infinity);
      return plain.decode(typeof read === 'object' ? decompressed(read, undefined) : payload);
    },
  };
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
