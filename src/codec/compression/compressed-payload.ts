import { BLOB_ID_BYTES, type Blob } from '../blobs/blob.js';
import { varintLength, VarintReader, writeVarint } from '../varint.js';
import type { Compression } from './compression.js';
import type { Compressor } from './compressor.js';
import { knownCompressor } from './compressors.js';

/**
 * A compressed payload is the id of the dictionary, if there is one; the length of what comes out, as a varint; and what the
 * compressor made. The length is known before anything is decompressed, and so bounds it: a few bytes that claim to be a
 * gigabyte are refused by their claim, and such as are more than they claim by the compressor.
 */
export interface CompressedPayload {
  /** The compressor, as the header of the entry has it. */
  readonly id: number;
  /** What stands before the bytes. */
  readonly head: Buffer;
  readonly bytes: Uint8Array;
}

/** In the header, beside the compressor's id: it was given a dictionary. */
const WITH_DICTIONARY = 8;

/** What of a payload must be saved: less is lost again in the sizes that Redis's allocator rounds to. */
const LEAST_SAVED = 0.1;

/** The payload compressed; undefined where that does not pay. */
export function compressed(
  payload: Buffer,
  { compressor, level }: Compression,
  dictionary: Blob | undefined,
): CompressedPayload | undefined {
  try {
    const bytes = compressor.compress(payload, level, dictionary?.bytes);
    return whereItPays(bytes, payload.length, compressor, dictionary);
  } catch {
    return undefined; // no memory for it: the value is whole all the same
  }
}

/** The same off the main thread, and without a dictionary. The payload must not change meanwhile. */
export async function compressedLater(
  payload: Buffer,
  { compressor, level }: Compression,
): Promise<CompressedPayload | undefined> {
  try {
    const bytes = await compressor.compressLater(payload, level, undefined);
    return whereItPays(bytes, payload.length, compressor, undefined);
  } catch {
    return undefined;
  }
}

function whereItPays(
  bytes: Uint8Array,
  before: number,
  compressor: Compressor,
  dictionary: Blob | undefined,
): CompressedPayload | undefined {
  const idBytes = dictionary ? BLOB_ID_BYTES : 0;
  const head = Buffer.alloc(idBytes + varintLength(before));
  if (head.length + bytes.length > before * (1 - LEAST_SAVED)) return undefined;
  if (dictionary) head.set(dictionary.id);
  writeVarint(head, idBytes, before);
  return { id: compressor.id | (dictionary ? WITH_DICTIONARY : 0), head, bytes };
}

/** A compressed payload that was read. */
export interface Unopened {
  readonly compressor: Compressor;
  /** Whether the payload begins with the id of a dictionary. */
  readonly hasDictionary: boolean;
  readonly bytes: Buffer;
  /** Of what comes out. */
  readonly length: number;
}

/**
 * @param id - the compressor, as the header has it.
 * @param most - bytes that may come out.
 * @returns why not, for what cannot be opened.
 */
export function readCompressed(
  id: number,
  payload: Buffer,
  most: number,
): Unopened | 'other-codec' | 'too-large' | 'undecodable' {
  const compressor = knownCompressor(id & ~WITH_DICTIONARY);
  if (!compressor) return 'other-codec';
  const hasDictionary = (id & WITH_DICTIONARY) !== 0;
  const reader = new VarintReader();
  reader.begin(payload, 0);
  if (hasDictionary) reader.skip(BLOB_ID_BYTES);
  const length = reader.next();
  if (reader.failed || length === 0) return 'undecodable';
  if (length > most) return 'too-large';
  return { compressor, hasDictionary, bytes: payload.subarray(reader.at), length };
}

/** Throws for what the compressor did not write. */
export function decompressed({ bytes, length, compressor }: Unopened, dictionary: Blob | undefined): Buffer {
  return whole(compressor.decompress(bytes, length, dictionary?.bytes), length);
}

/** The same off the main thread. The bytes must not change meanwhile. */
export async function decompressedLater(
  { bytes, length, compressor }: Unopened,
  dictionary: Blob | undefined,
): Promise<Buffer> {
  await compressor.starting;
  return whole(await compressor.decompressLater(bytes, length, dictionary?.bytes), length);
}

function whole(bytes: Uint8Array, length: number): Buffer {
  if (bytes.length !== length) throw new Error(`${bytes.length} bytes came out, and ${length} went in`);
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
