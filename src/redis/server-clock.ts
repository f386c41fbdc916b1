import type { Reply } from './port.js';

/**
 * The server's clock as this process knows it: a lower bound. A TIME reply was true before it arrived, so server time now is
 * at least that plus what has passed here since. Erring low is the safe side: an entry never claims to be younger than it
 * is, so an invalidation stamped by the server is never older than a load that began before it.
 *
 * The process's monotonic clock counts what has passed, so that a wall clock that is set does not matter.
 */
export class ServerClock {
  readonly #onHeard: (() => void) | undefined;
  #serverMs: number | undefined;
  #heardAt = 0;

  /** @param onHeard - called with every answer. */
  constructor(onHeard?: () => void) {
    this.#onHeard = onHeard;
  }

  /** What is to be added to `performance.now()`; undefined until the server has told its time. */
  get offset(): number | undefined {
    return this.#serverMs === undefined ? undefined : this.#serverMs - this.#heardAt;
  }

  /** Takes the reply of TIME (seconds and microseconds). Returns whether it was one. */
  hear(reply: Reply, now: number = performance.now()): boolean {
    if (!Array.isArray(reply) || reply.length !== 2) return false;
    const ms = Number(String(reply[0])) * 1000 + Math.floor(Number(String(reply[1])) / 1000);
    if (!Number.isFinite(ms)) return false;
    this.#serverMs = ms;
    this.#heardAt = now;
    this.#onHeard?.();
    return true;
  }

  now(): number {
    if (this.#serverMs === undefined) return Date.now();
    return Math.floor(this.#serverMs + (performance.now() - this.#heardAt));
  }
}
