import type { Compressor } from './compressor.js';
import { lz4Compressor } from './lz4.js';
import { brotli, deflate, platformZstd } from './zlib.js';
import { zstdWasmCompressor } from './zstd-wasm.js';

/** `auto` is zstd where the platform has it, else deflate: both are read by every process on the same Node. */
export type CompressionAlgorithm = 'auto' | 'zstd' | 'brotli' | 'deflate' | 'lz4';

export const ALGORITHMS = ['auto', 'zstd', 'brotli', 'deflate', 'lz4'] as const;

/** By id, what this process can read: what the platform has, and the packages that somebody has asked for. */
const known: Array<Compressor | undefined> = [];
for (const compressor of [deflate, brotli, platformZstd]) if (compressor) known[compressor.id] = compressor;

/** In words, for reports. @param id - as the header has it: with 8 added for a dictionary. */
export function compressorName(id: number): string {
  if (id === 0) return 'none';
  const name = NAMES[id & 7] ?? `compressor ${id & 7}`;
  return id & 8 ? `${name} with a dictionary` : name;
}

const NAMES: Readonly<Record<number, string>> = { 1: 'deflate', 2: 'brotli', 3: 'zstd', 4: 'lz4' };

/** The compressor with this id, where this process has it. */
export function knownCompressor(id: number): Compressor | undefined {
  return known[id];
}

/**
 * The compressor of this name; its package is loaded with the first call.
 *
 * @param withDictionary - whether one will be used, which `auto` then can.
 * @throws MissingPeerError
 */
export function compressorFor(algorithm: CompressionAlgorithm, withDictionary: boolean): Compressor {
  switch (algorithm) {
    case 'auto':
      return platformZstd && (platformZstd.takesDictionary || !withDictionary) ? platformZstd : deflate;
    case 'deflate':
      return deflate;
    case 'brotli':
      return brotli;
    case 'zstd':
      return (known[3] ??= zstdWasmCompressor());
    case 'lz4':
      return (known[4] ??= lz4Compressor());
    default:
      return algorithm satisfies never;
  }
}
