import { createRequire } from 'node:module';
import type * as ZstdWasm from '@bokuweb/zstd-wasm';
import { MissingPeerError } from '../../errors.js';
import type { Compressor } from './compressor.js';

const DEFAULT_LEVEL = 3;

/**
 * Zstandard where the platform has none, by the optional peer `@bokuweb/zstd-wasm`: WebAssembly, so that it needs neither a
 * compiler nor a build for the platform. It reads and writes the same as the platform's. It has no other thread: large values
 * are compressed on the main one.
 *
 * Chosen over packages with native code because it decompresses in one step into memory of the length that the frame tells,
 * which can be looked at before. Those that stream cannot be stopped from filling the memory.
 *
 * @throws MissingPeerError
 */
export function zstdWasmCompressor(): Compressor {
  const zstd = load();
  let starting: Promise<void> | undefined = zstd.init().then(() => {
    starting = undefined;
  });
  // A context is some 100 KB of the module's memory, which never shrinks.
  let compressing: number | undefined;
  let decompressing: number | undefined;

  const compress: Compressor['compress'] = (bytes, level = DEFAULT_LEVEL, dictionary) =>
    dictionary
      ? zstd.compressUsingDict((compressing ??= zstd.createCCtx()), bytes, dictionary, level)
      : zstd.compress(bytes, level);
  const decompress: Compressor['decompress'] = (bytes, length, dictionary) => {
    if (contentSize(bytes) !== length) throw new Error('a zstd frame of another length than its entry says');
    return dictionary
      ? zstd.decompressUsingDict((decompressing ??= zstd.createDCtx()), bytes, dictionary)
      : zstd.decompress(bytes);
  };
  return {
    name: 'zstd',
    id: 3,
    takesDictionary: true,
    get starting() {
      return starting;
    },
    compress,
    compressLater: async (...given) => compress(...given),
    decompress,
    decompressLater: async (...given) => decompress(...given),
  };
}

/** What a frame says of its content (RFC 8878, 3.1.1.1); undefined where it says nothing, or is no frame. */
function contentSize(frame: Buffer): number | undefined {
  if (frame.length < 14 || frame.readUInt32LE(0) !== 0xfd2fb528) return undefined;
  const descriptor = frame[4] ?? 0;
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const dictionaryIdBytes = [0, 1, 2, 4][descriptor & 0x03] ?? 0;
  const at = 5 + (isSingleSegment ? 0 : 1) + dictionaryIdBytes;
  switch (descriptor >> 6) {
    case 0:
      return isSingleSegment ? frame[at] : undefined;
    case 1:
      return frame.readUInt16LE(at) + 256;
    case 2:
      return frame.readUInt32LE(at);
    default:
      return undefined; // 4 GiB and more
  }
}

function load(): typeof ZstdWasm {
  try {
    return createRequire(import.meta.url)('@bokuweb/zstd-wasm') as typeof ZstdWasm;
  } catch (cause) {
    throw new MissingPeerError(
      'compression by zstd needs Node 22.15 or later, or a package: npm install @bokuweb/zstd-wasm',
      { cause },
    );
  }
}
