import { describe, expect, it } from 'vitest';

import { systemClock } from '../../../src/runtime/clock.js';

describe('systemClock', () => {
  it('never goes back', () => {
    let before = systemClock.monotonic();
    for (let i = 0; i < 1000; i++) {
      const now = systemClock.monotonic();
      expect(now).toBeGreaterThanOrEqual(before);
      before = now;
    }
  });

  it('tells the time of day in milliseconds since the epoch', () => {
    expect(Math.abs(systemClock.wall() - Date.now())).toBeLessThan(1000);
  });
});
