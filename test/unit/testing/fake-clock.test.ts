import { describe, expect, it } from 'vitest';
import { MemoryStore } from 'tiercel';
import { FakeClock, seededRandom } from 'tiercel/testing';

describe('FakeClock', () => {
  it('has the memory’s entries expire when the test says so', () => {
    const clock = new FakeClock();
    const store = new MemoryStore({ maxBytes: '1mb', now: clock.now });
    store.set('k', 'v', { ttl: '5m' });
    clock.advance('4m');
    expect(store.get('k')).toBe('v');
    clock.advance('1m');
    expect(store.get('k')).toBeUndefined();
  });

  it('never goes back', () => {
    expect(() => new FakeClock().advance(-1)).toThrow(/advance/);
  });
});

describe('seededRandom', () => {
  it('gives the same numbers for the same seed, from 0 up to 1', () => {
    const [one, same, other] = [seededRandom(7), seededRandom(7), seededRandom(8)];
    const numbers = Array.from({ length: 1000 }, one);
    expect(Array.from({ length: 1000 }, same)).toEqual(numbers);
    expect(Array.from({ length: 1000 }, other)).not.toEqual(numbers);
    expect(numbers.every((number) => number >= 0 && number < 1)).toBe(true);
    expect(numbers.reduce((sum, number) => sum + number, 0) / 1000).toBeCloseTo(0.5, 1);
  });
});
