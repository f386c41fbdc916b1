import { hashTag } from '../redis/hash-tag.js';

/**
 * Which of the 16,384 slots of a Redis Cluster a key belongs to: CRC16 (XMODEM: polynomial 0x1021, no reflection, from 0) of
 * the key's bytes, or of its hash tag. See "Hash tags" in the Redis Cluster specification.
 */

export const SLOT_COUNT = 16_384;

const TABLE = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 8;
  for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1;
  return crc;
});

export function slotOf(key: string): number {
  const hashed = hashTag(key) ?? key;
  let crc = 0;
  for (let i = 0; i < hashed.length; i++) {
    const code = hashed.charCodeAt(i);
    // Redis hashes the UTF-8 bytes, which are the characters only as long as these are ASCII.
    if (code > 0x7f) return slotOfBytes(Buffer.from(hashed));
    crc = ((crc << 8) & 0xffff) ^ (TABLE[(crc >> 8) ^ code] as number);
  }
  return crc % SLOT_COUNT;
}

function slotOfBytes(bytes: Buffer): number {
  let crc = 0;
  for (const byte of bytes) crc = ((crc << 8) & 0xffff) ^ (TABLE[(crc >> 8) ^ byte] as number);
  return crc % SLOT_COUNT;
}
