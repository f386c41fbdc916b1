import { describe, expect, it } from 'vitest';

import { HALF_LIFE, HotKeySampler } from '../../../src/metrics/hot-key-sampler.js';
import { FakeClock } from '../../support/fake-clock.js';

/** Each read that it is told of stands for a hundred. */
function sampler(listed = 3) {
  const clock = new FakeClock();
  const hot = new HotKeySampler(listed, clock);
  const read = (namespace: string, key: string): void => hot.sample(namespace, key, 100, clock.now);
  return { hot, clock, read };
}

function times(count: number, work: () => void): void {
  for (let i = 0; i < count; i++) work();
}

describe('hot keys', () => {
  it('are told with their namespace and an estimate of their reads, the hottest first', () => {
    const { hot, read } = sampler();
    times(6, () => read('shop', 'user:1'));
    times(3, () => read('shop:eu', 'user:1'));
    read('', 'a:b');
    expect(hot.snapshot()).toEqual({
      total: 1000,
      floor: 0,
      keys: [
        { namespace: 'shop', key: 'user:1', reads: 600, error: 0, share: 0.6 },
        { namespace: 'shop:eu', key: 'user:1', reads: 300, error: 0, share: 0.3 },
        { namespace: '', key: 'a:b', reads: 100, error: 0, share: 0.1 },
      ],
    });
  });

  it('are found among many more keys than are kept', () => {
    const { hot, read } = sampler(2);
    for (let i = 0; i < 2000; i++) {
      read('shop', i % 5 === 0 ? 'hot' : i % 9 === 0 ? 'warm' : `cold:${i}`);
    }
    const { keys, floor, total } = hot.snapshot();
    expect(keys.map(({ key }) => key)).toEqual(['hot', 'warm']);
    for (const { reads, error } of keys) expect(error).toBeLessThanOrEqual(reads);
    expect(keys[0]?.reads).toBeGreaterThanOrEqual(40_000);
    expect(total).toBe(200_000);
    expect(floor).toBeLessThanOrEqual(total / (2 * 8));
  });

  it('tell what a key that is not listed has at most', () => {
    const { hot, read } = sampler(1);
    times(5, () => read('shop', 'hot'));
    times(2, () => read('shop', 'warm'));
    expect(hot.snapshot()).toMatchObject({ floor: 200, keys: [{ key: 'hot' }] });
  });

  it('fade by half every five minutes, and go when they are gone', () => {
    const { hot, clock, read } = sampler();
    times(4, () => read('shop', 'yesterday'));
    clock.advance(HALF_LIFE - 1);
    expect(hot.snapshot().keys[0]?.reads).toBe(400);
    clock.advance(1);
    expect(hot.snapshot().keys[0]?.reads).toBe(200);
    times(3, () => read('shop', 'today'));
    clock.advance(HALF_LIFE);
    expect(hot.snapshot().keys.map(({ key, reads }) => [key, reads])).toEqual([
      ['today', 150],
      ['yesterday', 100],
    ]);
    clock.advance(100 * HALF_LIFE);
    expect(hot.snapshot().keys).toEqual([]);
    read('shop', 'new');
    expect(hot.snapshot().keys.map(({ key }) => key)).toEqual(['new']);
  });

  it('are forgotten on reset', () => {
    const { hot, read } = sampler();
    read('shop', 'k');
    hot.reset();
    expect(hot.snapshot()).toEqual({ total: 0, floor: 0, keys: [] });
  });
});
