/** Distances between two samples, in the mean: the least, and the most, where a sample is to cost a hit in memory nothing. */
const NEAREST = 16;
const FARTHEST = 4096;

/** Milliseconds between two samples that are too few, and that are enough. */
const TOO_SOON = 1;
const LATE = 4;

/**
 * Which of many events are looked at more closely: one in 16 while little happens, so that something is known soon, and the fewer
 * the more happens, down to one in 4096: some hundreds a second, which cost nothing to speak of.
 *
 * The distance is drawn anew each time, evenly up to twice the mean, so that an application that reads its keys in turns is not
 * sampled at the same one always. A sample stands for as many events as the mean was when it was drawn.
 */
export class SamplingPace {
  readonly #random: () => number;
  #mean = NEAREST;
  #last = -Infinity;

  /** @param random - from 0, included, to 1. */
  constructor(random: () => number) {
    this.#random = random;
  }

  /** How many events the next sample stands for. */
  get weight(): number {
    return this.#mean;
  }

  /**
   * A sample is taken.
   *
   * @param now - milliseconds, by a monotonic clock.
   * @returns how many events are passed over before the next.
   */
  next(now: number): number {
    const gap = now - this.#last;
    this.#last = now;
    if (gap < TOO_SOON) this.#mean = Math.min(2 * this.#mean, FARTHEST);
    else if (gap > LATE) this.#mean = Math.max(this.#mean / 2, NEAREST);
    return this.distance();
  }

  /** As `next`, without a sample: where counting begins. */
  distance(): number {
    return Math.floor(this.#random() * (2 * this.#mean - 1));
  }
}
