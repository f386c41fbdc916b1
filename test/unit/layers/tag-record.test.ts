import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readTagAnswer } from '../../../src/layers/tags/tag-record.js';
import type { Reply } from '../../../src/redis/port.js';
import { anyReply, mutatedText } from '../../support/hostile.js';

const time = fc.integer({ min: 0, max: 999_999_999_999_999 });

describe('what stands under a tag', () => {
  it('is a record where it reads as one', () => {
    fc.assert(
      fc.property(time, fc.option(time), (stamp, until) => {
        const text = until === null ? `${stamp}` : `${stamp}:${until}`;
        expect(readTagAnswer(Buffer.from(text))).toEqual({ stamp, until: until ?? Infinity });
      }),
    );
  });

  it('is none, or times that can be compared, whatever it is', () => {
    const written = fc.tuple(time, time).map(([stamp, until]) => `${stamp}:${until}`);
    const stored = fc.oneof(
      mutatedText(written).map((text) => Buffer.from(text)),
      fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
      fc
        .constantFrom('?claim', '1:', ':1', '-1', '1e9', '9'.repeat(400), '1:2:3', '1\n')
        .map((text) => Buffer.from(text)),
      anyReply,
    );
    fc.assert(
      fc.property(stored, (reply) => {
        const found = readTagAnswer(reply as Reply);
        if (found === undefined) return;
        if (found instanceof Error) throw found;
        expect(Number.isSafeInteger(found.stamp) && found.stamp >= 0).toBe(true);
        expect(found.until === Infinity || Number.isSafeInteger(found.until)).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });
});
