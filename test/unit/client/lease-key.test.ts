import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { keyOfLease, leaseKeyOf, leasePrefixes } from '../../../src/client/lease-key.js';
import { InvalidKeyError } from '../../../src/errors.js';

/** What a Cluster hashes of a key, after its specification. */
function hashed(key: string): string {
  const tag = /^[^{]*\{([^}]+)\}/s.exec(key);
  return tag?.[1] ?? key;
}

const anyKey = fc.oneof(
  fc.string({ minLength: 1, unit: fc.constantFrom('{', '}', 'a', ':', '%') }),
  fc.string({ minLength: 1 }),
);

describe('the lease of a plain key', () => {
  it('stands in the slot of the key, or the key is refused', () => {
    fc.assert(
      fc.property(anyKey, (key) => {
        let lease: string;
        try {
          lease = leaseKeyOf(key);
        } catch (error) {
          expect(error).toBeInstanceOf(InvalidKeyError);
          expect(key).toContain('}');
          return;
        }
        expect(hashed(lease)).toBe(hashed(key));
        expect(keyOfLease(lease)).toBe(key);
      }),
      { numRuns: 2000 },
    );
  });

  it('is no other key’s', () => {
    fc.assert(
      fc.property(fc.uniqueArray(anyKey, { maxLength: 30 }), (keys) => {
        const leases = keys.flatMap((key) => {
          try {
            return [leaseKeyOf(key)];
          } catch {
            return [];
          }
        });
        expect(new Set(leases).size).toBe(leases.length);
      }),
    );
  });

  it('is told by how it begins', () => {
    expect(leaseKeyOf('shop::user:42')).toBe('%lease:{shop::user:42}');
    expect(leaseKeyOf('shop::{user}:42')).toBe('%lease-shop::{user}:42');
    expect(leasePrefixes('shop::')).toEqual(['%lease:{shop::', '%lease-shop::']);
    expect(keyOfLease('shop::user:42')).toBeUndefined();
  });
});
