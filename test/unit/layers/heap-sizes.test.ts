import { describe, expect, it } from 'vitest';
import { HeapSizes } from '../../../src/layers/heap-sizes.js';
import { sizeOf } from '../../../src/memory/size-of.js';

describe('HeapSizes', () => {
  it('learns how much more the heap takes than the encoded form', () => {
    const sizes = new HeapSizes();
    const value = { id: 1, name: 'somebody', roles: ['reader'] };
    expect(sizes.estimate(value, 40)).toBe(sizeOf(value));
    expect(sizes.estimate(value, 80)).toBe(2 * sizeOf(value));
  });

  it('is right in the sum where values differ', () => {
    const sizes = new HeapSizes();
    const values = Array.from({ length: 5000 }, (_, i) => ({
      text: 'x'.repeat((i * 7919) % 500),
      list: [i],
    }));
    const heap = values.reduce((sum, value) => sum + sizeOf(value), 0);
    const estimated = values.reduce(
      (sum, value) => sum + sizes.estimate(value, JSON.stringify(value).length),
      0,
    );
    expect(estimated / heap).toBeGreaterThan(0.9);
    expect(estimated / heap).toBeLessThan(1.1);
  });
});
