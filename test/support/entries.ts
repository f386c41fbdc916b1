import { crc32 } from 'node:zlib';
import type { DecodedValue, Serializer, Unreadable } from '../../src/codec/serializer.js';

/** Puts the right checksum into bytes that were changed on purpose, so that what comes after it is put to the test. */
export function resealed(bytes: Buffer): Buffer {
  bytes.writeUInt32BE(crc32(bytes.subarray(16), crc32(bytes.subarray(0, 12))), 12);
  return bytes;
}

/** What the bytes hold, in this turn or later. */
export async function decodeFully(serializer: Serializer, bytes: Buffer): Promise<DecodedValue | Unreadable> {
  const decoded = serializer.decode(bytes);
  return !decoded.ok && decoded.reason === 'unfinished' ? serializer.finish(bytes) : decoded;
}

/** The same bytes with one bit changed, for every bit. */
export function* flipped(bytes: Buffer): Generator<Buffer> {
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const damaged = Buffer.from(bytes);
    damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    yield damaged;
  }
}
