import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KeySpace } from '../../../src/client/key-space.js';

const part = fc.string({
  minLength: 1,
  maxLength: 6,
  unit: fc.constantFrom(':', '%', '3', 'A', '2', '5', 'a'),
});
const path = fc.array(part, { minLength: 1, maxLength: 3 });

const space = ([first = '', ...inner]: readonly string[]): KeySpace => {
  let made = KeySpace.of(first);
  for (const name of inner) made = made.within(name);
  return made;
};

describe('KeySpace', () => {
  it('puts different keys, or keys of different namespaces, in different places', () => {
    fc.assert(
      fc.property(path, part, path, part, (names, key, otherNames, otherKey) => {
        const same = JSON.stringify([names, key]) === JSON.stringify([otherNames, otherKey]);
        expect(space(names).prefix + key === space(otherNames).prefix + otherKey).toBe(same);
      }),
      { numRuns: 5000 },
    );
  });

  it('is readable in Redis', () => {
    expect(space(['shop']).prefix).toBe('shop::');
    expect(space(['shop', 'eu']).prefix).toBe('shop:eu::');
    expect(space(['a:b', '50%']).prefix).toBe('a%3Ab:50%25::');
    expect(KeySpace.of('').prefix).toBe('');
  });
});
