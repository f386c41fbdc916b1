import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SLOT_COUNT, slotOf } from '../../../src/cluster/slots.js';
import { hashTag } from '../../../src/redis/hash-tag.js';

/** Bit by bit, as the definition has it. */
function crc16(bytes: Buffer): number {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++)
      crc = crc & 0x8000 ? ((crc << 1) ^ 0x1021) & 0xffff : (crc << 1) & 0xffff;
  }
  return crc;
}

describe('the slot of a key', () => {
  it('is that of the specification', () => {
    expect(crc16(Buffer.from('123456789'))).toBe(0x31c3);
    expect(slotOf('123456789')).toBe(0x31c3);
    expect(slotOf('foo')).toBe(12_182);
    expect(slotOf('')).toBe(0);
  });

  it('is that of the UTF-8 bytes, whatever the key', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (key) => {
        expect(slotOf(key)).toBe(crc16(Buffer.from(hashTag(key) ?? key)) % SLOT_COUNT);
      }),
    );
  });

  it.each([
    ['{user1000}.following', 'user1000'],
    ['foo{}{bar}', undefined],
    ['foo{{bar}}zap', '{bar'],
    ['foo{bar}{zap}', 'bar'],
    ['foo{bar', undefined],
    ['foo}bar{', undefined],
  ])('hashes of %s only the tag, if there is one', (key, tag) => {
    expect(hashTag(key)).toBe(tag);
    expect(slotOf(key)).toBe(crc16(Buffer.from(tag ?? key)) % SLOT_COUNT);
  });
});
