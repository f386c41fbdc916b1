import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createCache } from 'tiercel';
import { eventually } from '../../support/eventually.js';
import { PATIENT } from '../../support/open-cache.js';
import { PacedClock } from '../../support/paced-clock.js';
import { PreloadChild, type PreloadOrder } from '../../support/preload-in-child.js';
import { sharedRedisUrl, uniquePrefix } from '../../support/redis.js';

const LEASE = 600;
/** How often the others ask whether it has run out. */
const POLL = LEASE / 3;
/** For what the machine does besides. */
const SLACK = 400;
/** So long that no turn ends while a test runs, whatever the time of day. */
const LONG = '300d';

describe('preloading by two processes', () => {
  const clock = new PacedClock();
  const children: PreloadChild[] = [];
  let namespace: string;

  beforeEach(() => {
    namespace = uniquePrefix();
  });
  afterEach(() => {
    for (const child of children.splice(0)) child.kill();
  });
  afterAll(() => clock.stop());

  function start(order: Omit<PreloadOrder, 'namespace'>): PreloadChild {
    const child = new PreloadChild(sharedRedisUrl(), { namespace, ...order });
    children.push(child);
    return child;
  }

  it('runs each turn once', async () => {
    const order = { schedule: 100, takes: 20, lease: 100 };
    const [one, other] = [start(order), start(order)];
    const turns = (): number[] => [...one.turns, ...other.turns];
    await Promise.all([one.untilItTakesPart(), other.untilItTakesPart()]);
    const before = turns().length;
    await eventually('many turns more', () => turns().length >= before + 20, 10_000);
    expect(new Set(turns()).size).toBe(turns().length);
    expect(turns().filter((turn) => turn % order.schedule !== 0)).toEqual([]);
  });

  it('is taken over within a lease when the one that is at it is killed, and not while it lives', async () => {
    let holder = start({ schedule: LONG, lease: LEASE });
    await holder.untilItRuns();
    for (let round = 0; round < 3; round++) {
      const next = start({ schedule: LONG, lease: LEASE });
      await next.untilItWaits();
      await pause(1.5 * LEASE);
      expect(next.turns).toEqual([]);
      holder.kill();
      const killed = clock.now();
      await next.untilItRuns();
      expect(clock.now() - killed).toBeLessThan(LEASE + POLL + SLACK);
      expect(next.turns).toEqual(holder.turns);
      holder = next;
    }
    holder.finish();
    await using cache = createCache({ redis: { url: sharedRedisUrl(), ...PATIENT }, namespace });
    await eventually('the entry', async () => (await cache.get('post:1')) === holder.pid);
  });
});
