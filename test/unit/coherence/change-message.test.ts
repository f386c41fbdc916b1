import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeMessage, encodeMessage, type ChangeMessage } from '../../../src/coherence/change-message.js';
import { PublisherLog } from '../../../src/coherence/publisher-log.js';
import { mutatedText } from '../../support/hostile.js';

const message: fc.Arbitrary<ChangeMessage> = fc.oneof(
  fc.record({ by: fc.string(), n: fc.maxSafeNat(), keys: fc.array(fc.string(), { maxLength: 4 }) }),
  fc.record({ by: fc.string(), n: fc.maxSafeNat() }),
  fc.record({ by: fc.string(), n: fc.maxSafeNat(), hello: fc.constant(true as const) }),
);

describe('a message of changes', () => {
  it('comes back as it was sent', () => {
    fc.assert(
      fc.property(message, (sent) => {
        expect(decodeMessage(encodeMessage(sent))).toEqual(sent);
      }),
    );
  });

  it('is told from whatever else is published on the channel', () => {
    const other = fc.record(
      { by: fc.jsonValue(), n: fc.jsonValue(), keys: fc.jsonValue() },
      { requiredKeys: [] },
    );
    const text = fc.oneof(
      mutatedText(message.map(encodeMessage)),
      other.map((value) => JSON.stringify(value)),
      fc.json(),
      fc.string(),
    );
    fc.assert(
      fc.property(text, (published) => {
        const found = decodeMessage(published);
        if (found === undefined) return;
        expect([typeof found.by, Number.isSafeInteger(found.n)]).toEqual(['string', true]);
        if (found.keys !== undefined) {
          expect(found.keys.map((key) => typeof key)).toEqual(found.keys.map(() => 'string'));
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('of any number is heard without counting up to it', () => {
    const numbers = fc.array(fc.tuple(fc.boolean(), fc.oneof(fc.nat(5), fc.maxSafeInteger())), {
      maxLength: 30,
    });
    fc.assert(
      fc.property(numbers, (told) => {
        const log = new PublisherLog(() => undefined);
        const began = performance.now();
        for (const [isChange, n] of told) {
          if (isChange) log.change('a', n);
          else log.soFar('a', n);
        }
        log.forget();
        expect(performance.now() - began).toBeLessThan(500);
      }),
    );
  });
});
