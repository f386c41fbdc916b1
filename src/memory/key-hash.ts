/** Of a longer key the two ends and the length stand for all: who has many such keys differs somewhere there. */
const ENDS = 128;

/**
 * 32 bits of a key, for what may be wrong now and then: sampling and counting. Never for finding a value.
 *
 * FNV-1a over the UTF-16 units, with the finish of MurmurHash3, since what reads it takes single bits.
 */
export function hashKey(key: string, seed: number): number {
  const length = key.length;
  let hash = seed ^ length;
  for (let i = 0; i < length; i++) {
    hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
    if (i === ENDS && length > 2 * ENDS) i = length - ENDS;
  }
  return scramble(hash);
}

/** Spreads what differs in any bit over all bits. */
export function scramble(bits: number): number {
  let mixed = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}
