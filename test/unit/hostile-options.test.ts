import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseByteSize } from '../../src/byte-size.js';
import { MAX_DURATION, parseDuration } from '../../src/duration.js';
import { InvalidOptionError } from '../../src/errors.js';
import { serverAddress } from '../../src/redis/options.js';
import { mutatedText } from '../support/hostile.js';

/** The outcome, or nothing where it was refused as it should be. */
function refusedOr<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidOptionError);
    return undefined;
  }
}

const amount = fc.oneof(fc.nat().map(String), fc.double({ min: 0, noNaN: true }).map(String));
const unit = fc.constantFrom('', 'ms', 's', 'm', 'h', 'd', 'b', 'kb', 'mb', 'gb', 'MB');
const measured = fc.tuple(amount, unit).map(([number, of]) => `${number}${of}`);
const anything = fc.oneof(
  measured,
  mutatedText(measured),
  fc.double(),
  fc.nat(10_000).map((length) => '9'.repeat(length)),
  fc.anything({ withBigInt: true, withNullPrototype: true }),
);

describe('whatever is given as an option', () => {
  it('is a duration within its limits, or an InvalidOptionError', () => {
    const limit = fc.nat(MAX_DURATION);
    fc.assert(
      fc.property(anything, limit, limit, fc.boolean(), (value, one, other, allowInfinity) => {
        const [min, max] = [Math.min(one, other), Math.max(one, other)];
        const ms = refusedOr(() => parseDuration(value, 'ttl', { min, max, allowInfinity }));
        if (ms === undefined) return;
        if (ms === Infinity) {
          expect([value, allowInfinity]).toEqual([Infinity, true]);
          return;
        }
        expect(Number.isSafeInteger(ms) && ms >= min && ms <= max).toBe(true);
        // The same again, which it may remember.
        expect(parseDuration(value, 'ttl', { min, max, allowInfinity })).toBe(ms);
      }),
      { numRuns: 1000 },
    );
  });

  it('is a size in whole bytes that can be counted, or an InvalidOptionError', () => {
    fc.assert(
      fc.property(anything, (value) => {
        const bytes = refusedOr(() => parseByteSize(value, 'maxBytes'));
        if (bytes !== undefined) expect(Number.isSafeInteger(bytes) && bytes >= 1).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });

  it('is a URL that leads somewhere, or an InvalidOptionError without its password', () => {
    const secret = 'hunter2';
    const written = fc
      .tuple(
        fc.constantFrom('redis://', 'rediss://', 'http://', ''),
        fc.constantFrom('', `:${secret}@`, `ada:${secret}@`, `ada:%${secret}@`, '@', ':@'),
        fc.oneof(fc.domain(), fc.constantFrom('', 'localhost', '[::1]', '127.0.0.1', '%00', 'a b')),
        fc.oneof(
          fc.constant(''),
          fc.integer({ min: -5, max: 70_000 }).map((port) => `:${port}`),
        ),
        fc.constantFrom('', '/', '/3', '/-1', '/99999999999', '/x', '/1/2', '?db=1', '#1'),
      )
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(fc.oneof(written, mutatedText(written), fc.string(), fc.webUrl()), (url) => {
        let found: ReturnType<typeof serverAddress> | undefined;
        try {
          found = serverAddress({ url });
        } catch (error) {
          expect(error).toBeInstanceOf(InvalidOptionError);
          if (url.includes(`:${secret}@`)) expect(String(error)).not.toContain(secret);
          return;
        }
        expect(found.host).not.toBe('');
        expect(Number.isInteger(found.port) && found.port > 0 && found.port < 65_536).toBe(true);
        expect(Number.isInteger(found.database) && found.database >= 0).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});
