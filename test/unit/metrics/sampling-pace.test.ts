import { describe, expect, it } from 'vitest';

import { SamplingPace } from '../../../src/metrics/sampling-pace.js';

/** Takes samples of a stream of so many events a second; returns what was taken, and what the samples stood for. */
function sampleStream(
  perSecond: number,
  seconds: number,
): { taken: number; stoodFor: number; events: number } {
  const pace = new SamplingPace(Math.random);
  const events = perSecond * seconds;
  let taken = 0;
  let stoodFor = 0;
  let left = pace.distance();
  for (let event = 0; event < events; event++) {
    if (left-- > 0) continue;
    taken++;
    stoodFor += pace.weight;
    left = pace.next((event * 1000) / perSecond);
  }
  return { taken, stoodFor, events };
}

describe('the pace of sampling', () => {
  it.each([100, 10_000, 1_000_000])('stands for all of %i events a second, within 20 %%', (perSecond) => {
    const { stoodFor, events } = sampleStream(perSecond, Math.max(1, 200_000 / perSecond));
    expect(stoodFor / events).toBeGreaterThan(0.8);
    expect(stoodFor / events).toBeLessThan(1.2);
  });

  it('is close where little happens and far where much does', () => {
    const quiet = sampleStream(100, 1000);
    expect(quiet.events / quiet.taken).toBeGreaterThan(12);
    expect(quiet.events / quiet.taken).toBeLessThan(20);
    const busy = sampleStream(2_000_000, 1);
    expect(busy.events / busy.taken).toBeGreaterThan(500);
    expect(busy.taken).toBeLessThan(2500);
  });

  it('takes no share of events that come in turns for itself', () => {
    const pace = new SamplingPace(Math.random);
    const seen = Array.from({ length: 16 }, () => 0);
    let left = pace.distance();
    for (let event = 0; event < 500_000; event++) {
      if (left-- > 0) continue;
      const turn = event % 16;
      seen[turn] = (seen[turn] ?? 0) + 1;
      left = pace.next(event * 100); // always late: the distance stays at its least, just one round
    }
    const most = Math.max(...seen);
    expect(most / Math.min(...seen)).toBeLessThan(1.3);
  });
});
