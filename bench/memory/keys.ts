import { randomFrom, zipf } from '../random.js';

/** Requests of one round, over and over. A power of two. */
export const REQUESTS = 1 << 18;

/** Keys as applications have them, made once: building one costs more than looking it up. */
export function makeKeys(count: number, prefix = 'user'): string[] {
  const keys = Array.from({ length: count }, (_, id) => `${prefix}:${id}`);
  // Popular keys are not neighbours in the heap.
  const random = randomFrom(1);
  for (let i = count - 1; i > 0; i--) {
    const other = Math.floor(random() * (i + 1));
    [keys[i], keys[other]] = [keys[other] as string, keys[i] as string];
  }
  return keys;
}

/** Which keys are asked for: Zipf with 0.99, as in YCSB. */
export function makeRequests(keys: readonly string[]): string[] {
  const rank = zipf(keys.length, 0.99, randomFrom(2));
  return Array.from({ length: REQUESTS }, () => keys[rank()] as string);
}
