import { describe, expect, it } from 'vitest';
import { percentile, summarize } from '../../../demo/load/latency.js';

describe('summarize', () => {
  it('takes percentiles by nearest rank, whatever the order', () => {
    const shuffled = Array.from({ length: 100 }, (_, index) => ((index * 37) % 100) + 1);
    expect(summarize(shuffled)).toEqual({ count: 100, mean: 50.5, p50: 50, p95: 95, p99: 99 });
  });

  it('is that of the one request when there is one', () => {
    expect(summarize([12])).toEqual({ count: 1, mean: 12, p50: 12, p95: 12, p99: 12 });
  });

  it('is all zeros when there was no request', () => {
    expect(summarize([])).toEqual({ count: 0, mean: 0, p50: 0, p95: 0, p99: 0 });
  });
});

describe('percentile', () => {
  it('is a value that was measured, never one in between', () => {
    expect(percentile(Float64Array.of(1, 1000), 0.5)).toBe(1);
    expect(percentile(Float64Array.of(1, 1000), 0.51)).toBe(1000);
    expect(percentile(Float64Array.of(1, 1000), 0)).toBe(1);
    expect(percentile(Float64Array.of(1, 1000), 1)).toBe(1000);
  });
});
