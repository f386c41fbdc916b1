import { promisify } from 'node:util';
import zlib, { constants } from 'node:zlib';
import type { Compressor } from './compressor.js';

/** An output chunk this much larger than the output spares zlib a second one to find that nothing is left. */
const SPARE = 64;
/** Bytes up to which level 6 of deflate costs about as little as level 1. */
const SMALL = 4096;

interface ZlibOptions {
  readonly level?: number;
  readonly params?: Readonly<Record<number, number>>;
  readonly dictionary?: Buffer;
  readonly chunkSize?: number;
  readonly maxOutputLength?: number;
}

type Sync = (bytes: Buffer, options: ZlibOptions) => Buffer;
type Later = (bytes: Buffer, options: ZlibOptions) => Promise<Buffer>;
type Callback = (
  bytes: Buffer,
  options: ZlibOptions,
  done: (error: Error | null, out: Buffer) => void,
) => void;

interface Functions {
  readonly compress: Sync;
  readonly compressLater: Later;
  readonly decompress: Sync;
  readonly decompressLater: Later;
}

/** What is missing from the types of the oldest Node that this package supports. */
type NewerZlib = Partial<{
  readonly zstdCompressSync: Sync;
  readonly zstdCompress: Callback;
  readonly zstdDecompressSync: Sync;
  readonly zstdDecompress: Callback;
}>;

const output = (length: number, dictionary: Buffer | undefined): ZlibOptions => ({
  chunkSize: length + SPARE,
  maxOutputLength: length,
  ...(dictionary && { dictionary }),
});

function fromZlib(
  about: { readonly name: string; readonly id: number; readonly takesDictionary: boolean },
  functions: Functions,
  settings: (level: number | undefined, dictionary: Buffer | undefined, length: number) => ZlibOptions,
): Compressor {
  return {
    ...about,
    starting: undefined,
    compress: (bytes, level, dictionary) =>
      functions.compress(bytes, settings(level, dictionary, bytes.length)),
    compressLater: (bytes, level, dictionary) =>
      functions.compressLater(bytes, settings(level, dictionary, bytes.length)),
    decompress: (bytes, length, dictionary) => functions.decompress(bytes, output(length, dictionary)),
    decompressLater: (bytes, length, dictionary) =>
      functions.decompressLater(bytes, output(length, dictionary)),
  };
}

/** Raw deflate (RFC 1951): in every Node, quickest to read, and takes a dictionary. Level 1, or 6 with a dictionary. */
export const deflate: Compressor = fromZlib(
  { name: 'deflate', id: 1, takesDictionary: true },
  {
    compress: zlib.deflateRawSync,
    compressLater: promisify(zlib.deflateRaw) as Later,
    decompress: zlib.inflateRawSync,
    decompressLater: promisify(zlib.inflateRaw) as Later,
  },
  // To find the longest match is what a dictionary is for, and little work where there is little to compress.
  (level, dictionary, length) => ({
    level: level ?? (dictionary && length <= SMALL ? 6 : 1),
    ...(dictionary && { dictionary }),
  }),
);

/** Brotli (RFC 7932), quality 1: in every Node. */
export const brotli: Compressor = fromZlib(
  { name: 'brotli', id: 2, takesDictionary: false },
  {
    compress: zlib.brotliCompressSync,
    compressLater: promisify(zlib.brotliCompress) as Later,
    decompress: zlib.brotliDecompressSync,
    decompressLater: promisify(zlib.brotliDecompress) as Later,
  },
  (level) => ({ params: { [constants.BROTLI_PARAM_QUALITY]: level ?? 1 } }),
);

/** `ZSTD_c_compressionLevel` of zstd.h, which older types do not name. */
const ZSTD_LEVEL = 100;

/** Zstandard (RFC 8878) of the platform, level 3: Node 22.15, 23.8 or later. Undefined in an older one. */
export const platformZstd: Compressor | undefined = findZstd(zlib as NewerZlib);

function findZstd({
  zstdCompressSync,
  zstdCompress,
  zstdDecompressSync,
  zstdDecompress,
}: NewerZlib): Compressor | undefined {
  if (!zstdCompressSync || !zstdCompress || !zstdDecompressSync || !zstdDecompress) return undefined;
  return fromZlib(
    { name: 'zstd', id: 3, takesDictionary: heedsDictionary(zstdCompressSync) },
    {
      compress: zstdCompressSync,
      compressLater: promisify(zstdCompress),
      decompress: zstdDecompressSync,
      decompressLater: promisify(zstdDecompress),
    },
    (level, dictionary) => ({ params: { [ZSTD_LEVEL]: level ?? 3 }, ...(dictionary && { dictionary }) }),
  );
}

/** The first Nodes with zstd drop the option without a word. */
function heedsDictionary(compress: Sync): boolean {
  const sample = Buffer.from('whether a dictionary is heeded shows in the length of what comes out of it');
  return compress(sample, { dictionary: sample }).length < compress(sample, {}).length;
}
