import type { Clock } from '../runtime/clock.js';
import { SpaceSaving } from './space-saving.js';
import type { HotKeys } from './snapshot.js';

/** Counts of keys are halved as often as this, in milliseconds: what is hot is what was read of late. */
export const HALF_LIFE = 5 * 60_000;

/** Keys counted for one that is listed: the more of them, the smaller the errors of those on top. */
const COUNTED_FOR_ONE = 8;

/** No name of a namespace and no key has one: a lone surrogate is refused. */
const SEPARATOR = '\uD800';

/** Finds the keys that are read most, from a sample of the reads. */
export class HotKeySampler {
  readonly #listed: number;
  readonly #clock: Clock;
  readonly #summary: SpaceSaving<string>;
  #halved: number;

  /**
   * @param listed - how many keys a snapshot has at most.
   */
  constructor(listed: number, clock: Clock) {
    this.#listed = listed;
    this.#clock = clock;
    this.#summary = new SpaceSaving(listed * COUNTED_FOR_ONE);
    this.#halved = clock.monotonic();
  }

  /**
   * @param weight - for how many reads this one stands.
   * @param now - by the clock.
   */
  sample(namespace: string, key: string, weight: number, now: number): void {
    this.#decay(now);
    this.#summary.add(namespace + SEPARATOR + key, weight);
  }

  snapshot(): HotKeys {
    this.#decay(this.#clock.monotonic());
    const { total } = this.#summary;
    // What has faded to less than one read says nothing any more.
    const all = this.#summary.top(this.#listed + 1).filter(({ count }) => count >= 1);
    const next = all[this.#listed];
    const keys = all.slice(0, this.#listed).map(({ element, count, error }) => {
      const end = element.indexOf(SEPARATOR);
      return {
        namespace: element.slice(0, end),
        key: element.slice(end + 1),
        reads: count,
        error,
        share: total === 0 ? 0 : count / total,
      };
    });
    return { total, floor: next?.count ?? this.#summary.floor, keys };
  }

  reset(): void {
    this.#summary.clear();
    this.#halved = this.#clock.monotonic();
  }

  /** In steps: what came within one half-life counts the same, and nothing has to be known of when it came. */
  #decay(now: number): void {
    const steps = Math.floor((now - this.#halved) / HALF_LIFE);
    if (steps <= 0) return;
    this.#halved += steps * HALF_LIFE;
    this.#summary.scale(0.5 ** steps);
  }
}
