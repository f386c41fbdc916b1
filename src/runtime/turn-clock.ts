import { setImmediate } from 'node:timers';

/**
 * `performance.now()`, read once a turn of the event loop: a reading costs more than a look into a Map. A turn that is kept
 * busy sees the time of its first reading until it ends.
 */
class TurnClock {
  #now = 0;
  #holds = false;
  readonly #onTurn = (): void => void (this.#holds = false);

  now(): number {
    if (!this.#holds) {
      this.#holds = true;
      this.#now = performance.now();
      setImmediate(this.#onTurn);
    }
    return this.#now;
  }
}

/** One for all: the turn is the same for everyone. */
export const turnClock = new TurnClock();
