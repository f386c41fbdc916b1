import { systemClock, type Clock } from '../runtime/clock.js';

/** Milliseconds, and keys, after which a generation is full. */
const GENERATION = 5000;
const MOST_A_GENERATION = 4000;

/**
 * The keys that were added in the last five to ten seconds; of more than 4000 in that time, at least the latest 4000. Two
 * generations: when the younger is full or old, it becomes the older one, and that is dropped whole.
 */
export class RecentKeys {
  readonly #clock: Clock;
  #young = new Set<string>();
  #old = new Set<string>();
  #bornAt: number;

  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
    this.#bornAt = clock.monotonic();
  }

  add(key: string): void {
    const now = this.#clock.monotonic();
    if (now - this.#bornAt >= GENERATION || this.#young.size >= MOST_A_GENERATION) {
      this.#old = this.#young;
      this.#young = new Set();
      this.#bornAt = now;
    }
    this.#young.add(key);
  }

  /** Their time is counted up to the last that was added: what was going on when all went silent is still recent. */
  get all(): ReadonlySet<string> {
    return new Set([...this.#old, ...this.#young]);
  }
}
