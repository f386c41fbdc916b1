import { Random } from '../../demo/random.js';
import { Zipf } from '../../demo/zipf.js';

/** Requests of one round, over and over. A power of two. */
export const REQUESTS = 1 << 18;

/** Keys as applications have them, made once: building one costs more than looking it up. */
export function makeKeys(count: number, prefix = 'user'): string[] {
  const keys = Array.from({ length: count }, (_, id) => `${prefix}:${id}`);
  // Popular keys are not neighbours in the heap.
  return Array.from(new Random(1).permutation(count), (at) => keys[at] as string);
}

/** Which keys are asked for: Zipf with 0.99, as in YCSB. */
export function makeRequests(keys: readonly string[]): string[] {
  const ranks = new Zipf(keys.length, 0.99);
  const random = new Random(2);
  return Array.from({ length: REQUESTS }, () => keys[ranks.draw(random)] as string);
}
