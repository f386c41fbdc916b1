import { createHash } from 'node:crypto';

/** Bytes of the hash that stand in entries. */
export const BLOB_ID_BYTES = 8;

/** More is nothing that this package has written. */
const LARGEST = 128 * 1024;

/**
 * Bytes that many entries have in common: a table of shapes, or a dictionary. They never change, and are called by their
 * SHA-256: whoever has them can put them back, and nobody takes others for them.
 */
export interface Blob {
  readonly bytes: Buffer;
  /** The first bytes of the hash, as they stand in entries. */
  readonly id: Buffer;
  /** The same in hexadecimal, as in the key in Redis. */
  readonly name: string;
}

/** @param bytes - its own from here on. */
export function blobOf(bytes: Buffer): Blob {
  const id = createHash('sha256').update(bytes).digest().subarray(0, BLOB_ID_BYTES);
  return { bytes, id: Buffer.from(id), name: id.toString('hex') };
}

/** The blob of this name, if these are its bytes. */
export function blobNamed(name: string, bytes: Buffer | undefined): Blob | undefined {
  if (bytes === undefined || bytes.length > LARGEST) return undefined;
  const blob = blobOf(bytes);
  return blob.name === name ? blob : undefined;
}
