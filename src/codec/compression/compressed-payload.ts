import { varintLength, VarintReader, writeVarint } from '../varint.js';
import type { Compression } from './compression.js';
import type { Compressor } from './compressor.js';

/**
 * A compressed payload is the length of what comes out, as a varint, and what the compressor made. The length is known before
 * anything is decompressed, and so bounds it: a few bytes that claim to be a gigabyte are refused by their claim, and such as
 * are more than they claim by the compressor.
 */
export interface CompressedPayload {
  readonly length: Buffer;
  readonly bytes: Uint8Array;
}

/** What of a payload must be saved: less is lost again in the sizes that Redis's allocator rounds to. */
const LEAST_SAVED = 0.1;

/** The payload compressed; undefined where that does not pay. */
export function compressed(
  payload: Buffer,
  { compressor, level }: Compression,
): CompressedPayload | undefined {
  try {
    return whereItPays(compressor.compress(payload, level, undefined), payload.length);
  } catch {
    return undefined; // no memory for it: the value is whole all the same
  }
}

/** The same off the main thread. The payload must not change meanwhile. */
export async function compressedLater(
  payload: Buffer,
  { compressor, level }: Compression,
): Promise<CompressedPayload | undefined> {
  try {
    return whereItPays(await compressor.compressLater(payload, level, undefined), payload.length);
  } catch {
    return undefined;
  }
}

function whereItPays(bytes: Uint8Array, before: number): CompressedPayload | undefined {
  const length = Buffer.alloc(varintLength(before));
  if (length.length + bytes.length > before * (1 - LEAST_SAVED)) return undefined;
  writeVarint(length, 0, before);
  return { length, bytes };
}

/** A compressed payload that was read. */
export interface Unopened {
  readonly bytes: Buffer;
  /** What comes out. */
  readonly length: number;
}

/** Undefined for what is none. */
export function readCompressed(payload: Buffer): Unopened | undefined {
  const reader = new VarintReader(payload, 0);
  const length = reader.next();
  return reader.failed || length === 0 ? undefined : { bytes: payload.subarray(reader.at), length };
}

/** Throws for what the compressor did not write. */
export function decompressed({ bytes, length }: Unopened, compressor: Compressor): Buffer {
  return whole(compressor.decompress(bytes, length, undefined), length);
}

/** The same off the main thread. The bytes must not change meanwhile. */
export async function decompressedLater(
  { bytes, length }: Unopened,
  compressor: Compressor,
): Promise<Buffer> {
  return whole(await compressor.decompressLater(bytes, length, undefined), length);
}

function whole(bytes: Uint8Array, length: number): Buffer {
  if (bytes.length !== length) throw new Error(`${bytes.length} bytes came out, and ${length} went in`);
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
