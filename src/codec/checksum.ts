import { crc32 } from 'node:zlib';

/** Below this many bytes the call into zlib costs more than the loop here. */
const NATIVE_FROM = 96;

const TABLE = Int32Array.from({ length: 256 }, (_, byte) => {
  let rest = byte;
  for (let bit = 0; bit < 8; bit++) rest = rest & 1 ? (rest >>> 1) ^ 0xedb88320 : rest >>> 1;
  return rest;
});

/**
 * The CRC-32 (as in zlib and PNG) of an entry without the four bytes that hold it.
 *
 * @param payload - the view of the entry from `payloadAt` on, which its reader needs anyway: making one costs as much as a
 * checksum of a short header in a loop.
 */
export function checksumAround(
  entry: Buffer,
  gapStart: number,
  gapEnd: number,
  payloadAt: number,
  payload: Uint8Array,
): number {
  const head = update(update(0, entry, 0, gapStart), entry, gapEnd, payloadAt);
  return payload.length < NATIVE_FROM ? update(head, payload, 0, payload.length) : crc32(payload, head);
}

function update(checksum: number, bytes: Uint8Array, start: number, end: number): number {
  let rest = ~checksum;
  for (let i = start; i < end; i++) rest = (TABLE[(rest ^ (bytes[i] ?? 0)) & 0xff] ?? 0) ^ (rest >>> 8);
  return ~rest >>> 0;
}
