import { sizeOf } from '../memory/size-of.js';

/** Values between two that are measured. */
const EVERY = 16;
/** Measured values that are remembered, about. */
const REMEMBERED = 64;

/**
 * How many bytes of the heap the values of one namespace take, from the length of their encoded form, which is at hand where
 * walking the value would cost more than decoding it did. One of some is walked, and says how much more the heap takes.
 */
export class HeapSizes {
  #wait = 0;
  #heap = 0;
  #encoded = 0;

  estimate(value: unknown, encoded: number): number {
    if (this.#wait-- <= 0) {
      this.#wait = EVERY - 1;
      const kept = 1 - 1 / REMEMBERED;
      this.#heap = this.#heap * kept + sizeOf(value);
      this.#encoded = this.#encoded * kept + encoded;
    }
    return this.#encoded === 0 ? encoded : Math.ceil((encoded * this.#heap) / this.#encoded);
  }
}
