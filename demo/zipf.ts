import type { Random } from './random.js';

/**
 * Ranks as people choose them: rank k is drawn in proportion to 1 / (k + 1)^exponent. Exact, by binary search
 * in the cumulated weights, so that a small population is as right as a large one.
 */
export class Zipf {
  readonly #cumulated: Float64Array;

  constructor(size: number, exponent: number) {
    this.#cumulated = cumulatedWeights(size, exponent);
  }

  /** A rank from 0 (drawn most often) to size - 1. */
  draw(random: Random): number {
    const cumulated = this.#cumulated;
    const point = random.next() * (cumulated.at(-1) ?? 0);
    let low = 0;
    let high = cumulated.length - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((cumulated[middle] ?? 0) > point) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

/**
 * Deals `total` things out to `size` ranks in proportion to 1 / (k + 1)^exponent, to the last one: the shares
 * add up to `total`, unless `limit` for one rank makes that impossible. What the limit takes from the first
 * ranks goes to the next ones.
 */
export function zipfShares(total: number, size: number, exponent: number, limit = Infinity): Int32Array {
  const cumulated = cumulatedWeights(size, exponent);
  const all = cumulated.at(-1) ?? 1;
  let given = 0;
  return Int32Array.from(cumulated, (upToHere) => {
    const share = Math.min(limit, Math.round((upToHere / all) * total) - given);
    given += share;
    return share;
  });
}

function cumulatedWeights(size: number, exponent: number): Float64Array {
  let sum = 0;
  return Float64Array.from({ length: size }, (_, rank) => (sum += 1 / (rank + 1) ** exponent));
}
