import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KeySpace } from '../../../src/client/key-space.js';

describe('where tag records stand', () => {
  it('puts them beside the namespace, under names that cannot be given', () => {
    const shop = KeySpace.of('shop');
    expect(shop.tagKey('users')).toBe('shop:%tag::users');
    expect(shop.tagFloorKey).toBe('shop:%tagfloor::');
    expect(shop.within('eu').tagKey('a::b')).toBe('shop:eu:%tag::a::b');
    expect(KeySpace.of('').tagKey('users')).toBe('%tag::users');
    expect(KeySpace.of('').tagFloorKey).toBe('%tagfloor::');
    expect(shop.changesChannel).toBe('shop:%changes');
    expect(KeySpace.of('').changesChannel).toBe('%changes');
  });

  it('never collides with an entry, nor with a record of another namespace', () => {
    const name = fc
      .oneof(fc.constantFrom('%tag', '%tagfloor', 'shop', ':', '%', '%25tag', 'a:%tag'), fc.string())
      .filter((text) => text !== '' && text.length <= 256 && text.isWellFormed());
    const space = fc
      .array(name, { minLength: 1, maxLength: 3 })
      .map(([first = 'a', ...rest]) =>
        rest.reduce((outer, inner) => outer.within(inner), KeySpace.of(first)),
      );
    fc.assert(
      fc.property(space, space, fc.string(), fc.string({ minLength: 1 }), (one, other, key, tag) => {
        expect(other.prefix + key).not.toBe(one.tagKey(tag));
        expect(other.prefix + key).not.toBe(one.tagFloorKey);
        expect(one.tagKey(tag)).not.toBe(other.tagFloorKey);
        expect(one.tagKey(tag) === other.tagKey(key)).toBe(one.prefix === other.prefix && tag === key);
      }),
    );
  });
});
