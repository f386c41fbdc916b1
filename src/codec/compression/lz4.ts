import { createRequire } from 'node:module';
import type * as Lz4 from 'lz4-napi';
import { MissingPeerError } from '../../errors.js';
import type { Compressor } from './compressor.js';

/** The package writes the length before the block, in this many bytes. */
const LENGTH_BYTES = 4;

/**
 * LZ4 blocks, by the optional peer `lz4-napi`: the least work, and the least gain.
 *
 * @throws MissingPeerError
 */
export function lz4Compressor(): Compressor {
  const lz4 = load();
  return {
    name: 'lz4',
    id: 4,
    takesDictionary: true,
    starting: undefined,
    compress: (bytes, _level, dictionary) => lz4.compressSync(bytes, dictionary),
    compressLater: (bytes, _level, dictionary) => lz4.compress(bytes, dictionary),
    decompress(bytes, length, dictionary) {
      assertLength(bytes, length);
      return lz4.uncompressSync(bytes, dictionary);
    },
    async decompressLater(bytes, length, dictionary) {
      assertLength(bytes, length);
      return lz4.uncompress(bytes, dictionary);
    },
  };
}

/** The package takes as much memory as the bytes say, before it looks at them. */
function assertLength(bytes: Buffer, length: number): void {
  if (bytes.length < LENGTH_BYTES || bytes.readUInt32LE(0) !== length) {
    throw new Error('an lz4 block of another length than its entry says');
  }
}

function load(): typeof Lz4 {
  try {
    return createRequire(import.meta.url)('lz4-napi') as typeof Lz4;
  } catch (cause) {
    throw new MissingPeerError('compression by lz4 needs a package: npm install lz4-napi', { cause });
  }
}
