import { parseByteSize, type ByteSize } from '../../byte-size.js';
import { InvalidOptionError } from '../../errors.js';
import { describeValue, oneOf, positiveInteger, rejectUnknownOptions } from '../../validate.js';
import type { Compressor } from './compressor.js';
import { ALGORITHMS, compressorFor, type CompressionAlgorithm } from './compressors.js';

/** How values are made smaller before they are stored. */
export interface CompressionOptions {
  /**
   * `deflate` and `brotli` are in every Node; `zstd` in Node 22.15 and later, elsewhere by the package `@bokuweb/zstd-wasm`;
   * `lz4` by the package `lz4-napi`. A process that does not have what an entry was written with sees a miss: where
   * processes run on different Nodes, name one that all have. Default `auto`: `zstd` where Node has it, else `deflate`.
   */
  readonly algorithm?: CompressionAlgorithm;
  /** Payloads with fewer bytes are stored as they are. Default 1 KiB. */
  readonly threshold?: ByteSize;
  /** How hard it tries, as the algorithm counts it. Default: what costs the least time: deflate 1, brotli 1, zstd 3. */
  readonly level?: number;
}

/** What the options come to. */
export interface Compression {
  readonly compressor: Compressor;
  /** Bytes from which a payload is compressed. */
  readonly threshold: number;
  readonly level: number | undefined;
}

const DEFAULT_THRESHOLD = 1024;
const LEVELS: Partial<Record<CompressionAlgorithm, readonly [min: number, max: number]>> = {
  deflate: [1, 9],
  brotli: [0, 11],
  zstd: [1, 22],
};

/** Calls pass the options of their resource again and again; they are read once. */
const parsed = new WeakMap<CompressionOptions, Compression>();

/**
 * @param options - true for the defaults, false for none.
 * @returns undefined for none.
 * @throws InvalidOptionError; MissingPeerError for an algorithm whose package is not installed.
 */
export function parseCompression(options: CompressionOptions | boolean): Compression | undefined {
  if (typeof options === 'boolean') return options ? parseCompression(DEFAULTS) : undefined;
  const known = typeof options === 'object' && options !== null ? parsed.get(options) : undefined;
  if (known) return known;
  rejectUnknownOptions(options, ['algorithm', 'threshold', 'level'], 'compression');
  const { threshold, level } = options;
  const algorithm = oneOf(options.algorithm ?? 'auto', ALGORITHMS, 'compression.algorithm');
  const compression: Compression = {
    compressor: compressorFor(algorithm, false),
    threshold:
      threshold === undefined ? DEFAULT_THRESHOLD : parseByteSize(threshold, 'compression.threshold'),
    level: level === undefined ? undefined : parseLevel(level, algorithm),
  };
  parsed.set(options, compression);
  return compression;
}

const DEFAULTS: CompressionOptions = Object.freeze({});

function parseLevel(level: number, algorithm: CompressionAlgorithm): number {
  const range = LEVELS[algorithm];
  if (range) return positiveInteger(level, 'compression.level', { min: range[0], max: range[1] });
  throw new InvalidOptionError(
    `compression.level: the algorithm '${algorithm}' takes none, got ${describeValue(level)}`,
  );
}
