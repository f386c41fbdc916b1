import { parseDuration, type Duration } from '../duration.js';

/**
 * Time that passes when a test says so.
 *
 * ```ts
 * const clock = new FakeClock();
 * const store = new MemoryStore({ maxBytes: '1mb', now: clock.now });
 * store.set('k', 'v', { ttl: '5m' });
 * clock.advance('5m');
 * store.get('k'); // undefined
 * ```
 */
export class FakeClock {
  #time: number;

  /** @param start - milliseconds from any start. */
  constructor(start = 0) {
    this.#time = start;
  }

  /** Milliseconds. Bound, so that it can be handed over by itself. */
  readonly now = (): number => this.#time;

  /** @throws InvalidOptionError for what is no duration, and so never goes back. */
  advance(by: Duration): void {
    this.#time += parseDuration(by, 'advance', { min: 0 });
  }
}
