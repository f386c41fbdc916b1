import { describe, expect, it } from 'vitest';
import { longerPause, NOT_TOLD, TOLD, type LeasePolling } from '../../../src/layers/lease-polling.js';

/** What a waiter draws a pause by at most and at least. */
const [SHORTEST, LONGEST] = [0.5, 1.5];

/** When a waiter asks, in milliseconds since it began to wait. */
function asking(polling: LeasePolling, drawn: number, until: number): number[] {
  const times: number[] = [];
  let pause = polling.first;
  for (let now = 0; now <= until; pause = longerPause(pause, polling)) {
    now += pause * drawn;
    times.push(now);
  }
  return times;
}

describe('asking whether somebody else has loaded', () => {
  it.each([20, 50, 100, 200, 500])(
    'finds the end of a load of %i ms within a third of it where nobody tells, and within 10 ms of a short one',
    (took) => {
      const found = asking(NOT_TOLD, LONGEST, took).at(-1) ?? 0;
      expect(found - took).toBeLessThan(Math.max(10, took / 3));
    },
  );

  it('asks some dozens of times in ten seconds where nobody tells', () => {
    expect(asking(NOT_TOLD, 1, 10_000).length).toBeLessThan(70);
  });

  it('asks less than half as often where changes are told', () => {
    const often = asking(NOT_TOLD, 1, 1_000).length;
    expect(asking(TOLD, 1, 1_000).length).toBeLessThan(often / 2);
    expect(asking(TOLD, SHORTEST, 100).length).toBeLessThan(5);
  });

  it('never pauses for longer than a quarter of a second', () => {
    let pause = TOLD.first;
    for (let i = 0; i < 100; i++) pause = longerPause(pause, TOLD);
    expect(pause).toBe(250);
  });
});
