import { crc32 } from 'node:zlib';

/** Below this many bytes the call into zlib, and the view it needs, cost more than the loop here. */
const NATIVE_FROM = 96;

const TABLE = Int32Array.from({ length: 256 }, (_, byte) => {
  let rest = byte;
  for (let bit = 0; bit < 8; bit++) rest = rest & 1 ? (rest >>> 1) ^ 0xedb88320 : rest >>> 1;
  return rest;
});

/** The CRC-32 (as in zlib and PNG) of all bytes but those from `gapStart` up to `gapEnd`. */
export function checksumAround(bytes: Buffer, gapStart: number, gapEnd: number): number {
  const head = update(0, bytes, 0, gapStart);
  return bytes.length - gapEnd < NATIVE_FROM
    ? update(head, bytes, gapEnd, bytes.length)
    : crc32(bytes.subarray(gapEnd), head);
}

function update(checksum: number, bytes: Buffer, start: number, end: number): number {
  let rest = ~checksum;
  for (let i = start; i < end; i++) rest = (TABLE[(rest ^ (bytes[i] ?? 0)) & 0xff] ?? 0) ^ (rest >>> 8);
  return ~rest >>> 0;
}
