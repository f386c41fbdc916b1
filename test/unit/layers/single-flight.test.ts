import { describe, expect, it, vi } from 'vitest';
import { SingleFlight, type Flight } from '../../../src/layers/single-flight.js';

describe('SingleFlight', () => {
  it('shares what is under way, and forgets it when it ends', async () => {
    const flights = new SingleFlight();
    const outcome = flights.start('k', async () => 1);
    expect(flights.join('k')).toBe(outcome);
    expect(flights.join('other')).toBeUndefined();
    expect(await outcome).toBe(1);
    expect(flights.size).toBe(0);
  });

  it('forgets what failed', async () => {
    const flights = new SingleFlight();
    await expect(flights.start('k', async () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(flights.size).toBe(0);
  });

  it('no longer shares what was outdated, and tells it so', async () => {
    const flights = new SingleFlight();
    let seen: Flight | undefined;
    const old = flights.start('k', async (flight) => {
      seen = flight;
    });
    expect(seen?.outdated).toBe(false);
    flights.outdate('k');
    expect(seen?.outdated).toBe(true);
    expect(flights.join('k')).toBeUndefined();
    await old;
  });

  it('keeps the newer flight when the outdated one ends', async () => {
    const flights = new SingleFlight();
    const old = flights.start('k', async () => 'old');
    flights.outdate('k');
    const release = vi.fn<(value: string) => void>();
    const fresh = flights.start(
      'k',
      () => new Promise<string>((resolve) => release.mockImplementation(resolve)),
    );
    await old;
    expect(flights.join('k')).toBe(fresh);
    release('fresh');
    expect(await fresh).toBe('fresh');
    expect(flights.size).toBe(0);
  });
});
