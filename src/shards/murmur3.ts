/** As many UTF-16 units as are UTF-8 bytes, too. */
const LAST_ASCII = 127;

/**
 * MurmurHash3_x86_32 by Austin Appleby (public domain) over the UTF-8 bytes of a text, so that programs in other languages
 * place a key on the same server. Not for secrets: whoever chooses the keys can make them collide.
 *
 * @returns a whole number from 0 to 2^32 - 1.
 */
export function murmur3(text: string, seed = 0): number {
  const end = text.length & ~3;
  let hash = seed;
  for (let i = 0; i < end; i += 4) {
    const a = text.charCodeAt(i);
    const b = text.charCodeAt(i + 1);
    const c = text.charCodeAt(i + 2);
    const d = text.charCodeAt(i + 3);
    if ((a | b | c | d) > LAST_ASCII) return murmur3Bytes(Buffer.from(text), seed);
    hash = mixBlock(hash, a | (b << 8) | (c << 16) | (d << 24));
  }
  let tail = 0;
  for (let i = text.length - 1; i >= end; i--) {
    const unit = text.charCodeAt(i);
    if (unit > LAST_ASCII) return murmur3Bytes(Buffer.from(text), seed);
    tail = (tail << 8) | unit;
  }
  return finish(hash ^ scramble(tail), text.length);
}

function murmur3Bytes(bytes: Uint8Array, seed: number): number {
  const at = (i: number): number => bytes[i] ?? 0;
  const end = bytes.length & ~3;
  let hash = seed;
  for (let i = 0; i < end; i += 4) {
    hash = mixBlock(hash, at(i) | (at(i + 1) << 8) | (at(i + 2) << 16) | (at(i + 3) << 24));
  }
  let tail = 0;
  for (let i = bytes.length - 1; i >= end; i--) tail = (tail << 8) | at(i);
  return finish(hash ^ scramble(tail), bytes.length);
}

function scramble(block: number): number {
  const k = Math.imul(block, 0xcc9e2d51);
  return Math.imul((k << 15) | (k >>> 17), 0x1b873593);
}

function mixBlock(hash: number, block: number): number {
  const h = hash ^ scramble(block);
  return (Math.imul((h << 13) | (h >>> 19), 5) + 0xe6546b64) | 0;
}

/** Makes every bit of the input change about half of the bits of the outcome. */
function finish(hash: number, length: number): number {
  let h = hash ^ length;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
