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
  /** Payloads with fewer bytes are stored as they are. Default 1 KiB, and 64 bytes where there is a dictionary. */
  readonly threshold?: ByteSize;
  /**
   * How hard it tries, as the algorithm counts it. Default: what costs little time: deflate 1 (6 for small values with a
   * dictionary), brotli 1, zstd 3.
   */
  readonly level?: number;
  /**
   * For many small values that are alike: what they have in common is learnt from the first 200 of them and kept in Redis
   * once. True for one dictionary a resource, or a namespace where it is given there; a name to have several share one. Not
   * with `brotli`. Default false.
   */
  readonly dictionary?: boolean | string;
}

/** What the options come to. */
export interface Compression {
  readonly compressor: Compressor;
  /** Bytes from which a payload is compressed. */
  readonly threshold: number;
  /** The same where there is a dictionary. */
  readonly dictionaryThreshold: number;
  readonly level: number | undefined;
  /** The kind of values that share a dictionary; undefined for none. */
  readonly dictionary: string | undefined;
}

const DEFAULT_THRESHOLD = 1024;
const DEFAULT_DICTIONARY_THRESHOLD = 64;
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
  rejectUnknownOptions(options, ['algorithm', 'threshold', 'level', 'dictionary'], 'compression');
  const { level } = options;
  const algorithm = oneOf(options.algorithm ?? 'auto', ALGORITHMS, 'compression.algorithm');
  const dictionary = parseDictionary(options.dictionary);
  const compressor = compressorFor(algorithm, dictionary !== undefined);
  if (dictionary !== undefined && !compressor.takesDictionary) {
    throw new InvalidOptionError(
      `compression.dictionary: the algorithm '${algorithm}' takes none here; use 'auto' or 'deflate'`,
    );
  }
  const threshold =
    options.threshold === undefined ? undefined : parseByteSize(options.threshold, 'compression.threshold');
  const compression: Compression = {
    compressor,
    threshold: threshold ?? DEFAULT_THRESHOLD,
    dictionaryThreshold: threshold ?? DEFAULT_DICTIONARY_THRESHOLD,
    level: level === undefined ? undefined : parseLevel(level, algorithm),
    dictionary,
  };
  parsed.set(options, compression);
  return compression;
}

const DEFAULTS: CompressionOptions = Object.freeze({});

/** A dictionary without a name is the namespace's; a resource puts its own name in. */
function parseDictionary(dictionary: unknown = false): string | undefined {
  if (dictionary === false) return undefined;
  if (dictionary === true) return '';
  if (typeof dictionary === 'string' && dictionary !== '' && dictionary.isWellFormed()) return dictionary;
  throw new InvalidOptionError(
    `compression.dictionary: expected true, false or a name, got ${describeValue(dictionary)}`,
  );
}

/** The options with a name for a dictionary that has none. */
export function nameDictionary(
  options: CompressionOptions | boolean | undefined,
  name: string,
): CompressionOptions | boolean | undefined {
  if (typeof options !== 'object' || options === null || options.dictionary !== true) return options;
  return { ...options, dictionary: name };
}

function parseLevel(level: number, algorithm: CompressionAlgorithm): number {
  const range = LEVELS[algorithm];
  if (range) return positiveInteger(level, 'compression.level', { min: range[0], max: range[1] });
  throw new InvalidOptionError(
    `compression.level: the algorithm '${algorithm}' takes none, got ${describeValue(level)}`,
  );
}
