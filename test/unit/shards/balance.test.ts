import { describe, expect, it } from 'vitest';
import { ConsistentHash } from 'tiercel';

const RINGS = 50;

/** How far the node of ten that is furthest from the mean is off, as a part of it, on many rings, in order. */
function unevenness(virtualNodes: number | undefined): number[] {
  const all = Array.from({ length: RINGS }, (_, run) => {
    const names = Array.from({ length: 10 }, (__, i) => `ring ${run} shard ${i}`);
    const ring = new ConsistentHash(names, virtualNodes === undefined ? {} : { virtualNodes });
    return Math.max(...[...ring.shares().values()].map((share) => Math.abs(share * 10 - 1)));
  });
  return all.sort((a, b) => a - b);
}

const percent = (part: number | undefined): string => `${((part ?? 0) * 100).toFixed(1)} %`;

describe('how even the shares of ten equal nodes are', () => {
  it.each<[virtualNodes: number | undefined, median: number]>([
    [3, 1],
    [160, 0.14],
    [1024, 0.055],
    [undefined, 0.02],
  ])('with %s virtual nodes', (virtualNodes, median) => {
    const all = unevenness(virtualNodes);
    console.log(
      `${virtualNodes ?? 'by default'}: the furthest node is off by ${percent(all[RINGS / 2])} (median of ${RINGS} rings), ` +
        `${percent(all.at(-1))} at most`,
    );
    expect(all[RINGS / 2]).toBeGreaterThan(median * 0.7);
    expect(all[RINGS / 2]).toBeLessThan(median * 1.3);
  });

  it('is within 5 % by default, whatever their names', () => {
    expect(unevenness(undefined).at(-1)).toBeLessThan(0.05);
  });
});
