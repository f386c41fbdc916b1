import { randomFillSync } from 'node:crypto';

/** Bytes of a version id. */
const VERSION_ID_BYTES = 8;

/** One call to the generator serves this many ids: the call costs far more than the bytes. */
const IDS_AT_ONCE = 512;

const pool = Buffer.allocUnsafeSlow(IDS_AT_ONCE * VERSION_ID_BYTES);
let next = pool.length;

/** Writes a random id that was never given before. Two ids are equal with a chance of 1 in 2^64. */
export function writeVersionId(target: Buffer, offset: number): void {
  if (next === pool.length) {
    randomFillSync(pool);
    next = 0;
  }
  for (let i = 0; i < VERSION_ID_BYTES; i++) target[offset + i] = pool[next + i] ?? 0;
  next += VERSION_ID_BYTES;
}
