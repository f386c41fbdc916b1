import type { Clock } from '../../src/runtime/clock.js';

/** A clock that stands until it is moved. */
export class FakeClock implements Clock {
  now: number;

  /** @param now - milliseconds. */
  constructor(now = 0) {
    this.now = now;
  }

  advance(milliseconds: number): void {
    this.now += milliseconds;
  }

  wall(): number {
    return this.now;
  }

  monotonic(): number {
    return this.now;
  }
}
