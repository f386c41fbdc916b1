import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Reply } from '../../../src/redis/port.js';
import { ServerClock } from '../../../src/redis/server-clock.js';
import { anyReply } from '../../support/hostile.js';

const timeReply = (ms: number): Reply => [String(Math.floor(ms / 1000)), String((ms % 1000) * 1000)];

describe("the server's clock as it is known here", () => {
  it('is never ahead of the server, and behind by no more than the answer took, however often that is set', () => {
    const question = fc.record({
      pause: fc.nat(5000),
      there: fc.nat(300),
      back: fc.nat(300),
      /** By how much the server's clock is set before the question. */
      set: fc.oneof(fc.constant(0), fc.integer({ min: -(10 ** 9), max: 10 ** 9 })),
    });
    fc.assert(
      fc.property(fc.array(question, { minLength: 1, maxLength: 20 }), fc.nat(5000), (questions, later) => {
        const clock = new ServerClock();
        let mono = 0;
        let ahead = 1_700_000_000_000;
        for (const { pause, there, back, set } of questions) {
          ahead += set;
          mono += pause + there;
          const reply = timeReply(mono + ahead);
          mono += back;
          expect(clock.hear(reply, mono)).toBe(true);
          const known = (clock.offset ?? 0) + mono + later;
          const truth = mono + later + ahead;
          expect(known).toBeLessThanOrEqual(truth);
          expect(known).toBeGreaterThanOrEqual(truth - back - 1);
        }
      }),
    );
  });

  it('is left as it was by what is no time', () => {
    const other = anyReply.filter((reply) => !(Array.isArray(reply) && reply.length === 2));
    fc.assert(
      fc.property(other, (reply) => {
        const clock = new ServerClock();
        clock.hear(timeReply(1_700_000_000_000), 0);
        expect(clock.hear(reply as Reply, 50)).toBe(false);
        expect(clock.offset).toBe(1_700_000_000_000);
      }),
    );
  });
});
