/** Where the cache reads the time; tests put their own in its place. */
export interface Clock {
  /**
   * Milliseconds, with fractions, from an arbitrary start. Never goes back, so durations and deadlines are
   * measured with it.
   */
  monotonic(): number;
  /** Milliseconds since the Unix epoch. It can jump when the machine's clock is set. */
  wall(): number;
}

/** The clocks of the platform. */
export const systemClock: Clock = Object.freeze({
  monotonic: () => performance.now(),
  wall: () => Date.now(),
});
