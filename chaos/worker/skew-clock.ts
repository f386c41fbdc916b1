/**
 * Sets this process's clock wrong: the server's time is what counts. No timer goes by the clock, nor does what is written down of calls.
 *
 * @param ahead - milliseconds, below zero for behind.
 */
export function skewClock(ahead: number): void {
  const right = Date;
  class Skewed extends right {
    constructor(...given: [] | [value: string | number]) {
      super(given.length === 0 ? Skewed.now() : given[0]);
    }

    static override now(): number {
      return right.now() + ahead;
    }
  }
  if (ahead !== 0) globalThis.Date = Skewed as DateConstructor;
}
