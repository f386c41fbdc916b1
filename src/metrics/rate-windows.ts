import { addUp, COUNTERS, ratiosOf, zeros } from './counters.js';
import type { MetricsCounters, RateWindow } from './snapshot.js';

/** The windows that a snapshot has, in seconds. */
export const WINDOWS = [60, 300] as const;

const LONGEST = 1000 * Math.max(...WINDOWS);

interface Reading {
  /** Milliseconds, by a monotonic clock. */
  readonly at: number;
  readonly counts: MetricsCounters;
}

/**
 * What happened in the last minutes, from readings of counts that only grow: a window is the difference between now and the
 * reading at its beginning, which is interpolated where it falls between two. So nothing is paid where things are counted, and
 * a window slides; it does not jump.
 */
export class RateWindows {
  #readings: Reading[];

  constructor(at: number) {
    this.#readings = [{ at, counts: zeros() }];
  }

  /** Keeps a reading, taken every few seconds. */
  note(at: number, counts: MetricsCounters): void {
    this.#readings.push({ at, counts });
    // The last one that is too old stays: the beginning of the longest window lies between it and the next.
    while ((this.#readings[1]?.at ?? Infinity) <= at - LONGEST) this.#readings.shift();
  }

  /** Forgets everything: the counts begin anew at 0. */
  restart(at: number): void {
    this.#readings = [{ at, counts: zeros() }];
  }

  /** @param counts - as they are now. */
  over(seconds: number, at: number, counts: MetricsCounters): RateWindow {
    const first = this.#readingAt(at - seconds * 1000, at, counts);
    const covers = Math.max(0, (at - first.at) / 1000);
    const perSecond = zeros();
    if (covers > 0) {
      for (const name of COUNTERS) perSecond[name] = (counts[name] - first.counts[name]) / covers;
    }
    return { seconds, covers, perSecond, ratios: ratiosOf(perSecond) };
  }

  #readingAt(time: number, now: number, counts: MetricsCounters): Reading {
    const [oldest] = this.#readings;
    if (!oldest || time <= oldest.at) return oldest ?? { at: now, counts };
    let before = oldest;
    let after: Reading = { at: now, counts };
    for (const reading of this.#readings) {
      if (reading.at <= time) before = reading;
      else {
        after = reading;
        break;
      }
    }
    const span = after.at - before.at;
    const part = span > 0 ? (time - before.at) / span : 0;
    const between = zeros();
    for (const name of COUNTERS) {
      between[name] = before.counts[name] + part * (after.counts[name] - before.counts[name]);
    }
    return { at: time, counts: between };
  }
}

/** The same window of several processes as one: what they do together. */
export function mergeWindows(windows: readonly RateWindow[]): RateWindow {
  const perSecond = addUp(windows.map((window) => window.perSecond));
  return {
    seconds: windows[0]?.seconds ?? 0,
    covers: Math.max(0, ...windows.map(({ covers }) => covers)),
    perSecond,
    ratios: ratiosOf(perSecond),
  };
}
