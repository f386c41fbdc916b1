/** Of a longer key the two ends and the length stand for all: who has many such keys differs somewhere there. */
const ENDS = 128;

/**
 * 32 bits of a key, for what may be wrong now and then: sampling and counting. Never for finding a value.
 *
 * FNV-1a over pairs of UTF-16 units, which halves the chain of multiplications, with the finish of MurmurHash3, since what
 * reads it takes single bits.
 */
export function hashKey(key: string, seed: number): number {
  const { length } = key;
  let hash = seed ^ length;
  let at = length & 1;
  if (at === 1) hash = Math.imul(hash ^ key.charCodeAt(0), 0x01000193);
  for (; at < length; at += 2) {
    if (at >= ENDS && at < length - ENDS) at = length - ENDS;
    hash = Math.imul(hash ^ key.charCodeAt(at) ^ (key.charCodeAt(at + 1) << 16), 0x01000193);
    // What a multiplication carries upwards only would never reach the bits that come next.
    hash ^= hash >>> 15;
  }
  return scramble(hash);
}

/** Spreads what differs in any bit over all bits. */
export function scramble(bits: number): number {
  let mixed = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}
