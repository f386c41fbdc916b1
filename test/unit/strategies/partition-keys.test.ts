import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KeySpace } from '../../../src/client/key-space.js';
import { slotOf } from '../../../src/cluster/slots.js';
import { partitionKeys } from '../../../src/strategies/write-behind/partition-keys.js';
import { anyName } from '../../support/values.js';

describe('the keys of a partition', () => {
  it('are in one slot of a Cluster, and those of no other, whatever the names', () => {
    const named = fc.record({ path: fc.array(anyName, { minLength: 1, maxLength: 3 }), queue: anyName });
    const keysOf = ({ path, queue }: { path: readonly string[]; queue: string }): string[] => {
      const [first = '', ...inner] = path;
      const space = inner.reduce((keys, name) => keys.within(name), KeySpace.of(first));
      return Object.values(partitionKeys(space, queue, 3) as unknown as Record<string, string>);
    };
    fc.assert(
      fc.property(named, named, (one, other) => {
        const keys = keysOf(one);
        expect(new Set(keys.map(slotOf)).size).toBe(1);
        if (JSON.stringify(one) === JSON.stringify(other)) return;
        expect(keysOf(other).some((key) => keys.includes(key))).toBe(false);
      }),
      { numRuns: 1000 },
    );
  });
});
