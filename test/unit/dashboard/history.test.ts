import { describe, expect, it } from 'vitest';
import { CacheMetrics, type MetricsSnapshot } from 'tiercel';
import { kindOf, momentBetween, remember, SPAN, type Moment } from '../../../dashboard/history.js';
import { FakeClock } from '../../support/fake-clock.js';

/** A snapshot with so many hits in Redis, each of so many milliseconds. */
function snapshots(
  ...steps: ReadonlyArray<{ readonly hits: number; readonly took: number }>
): MetricsSnapshot[] {
  const clock = new FakeClock();
  const metrics = new CacheMetrics({ clock });
  const namespace = metrics.namespace('shop');
  const taken = [metrics.snapshot()];
  for (const { hits, took } of steps) {
    for (let i = 0; i < hits; i++) namespace.readFromRedis('hit', took, 'key');
    clock.advance(2000);
    taken.push(metrics.snapshot());
  }
  return taken;
}

describe('what the page makes of two snapshots', () => {
  it('counts a second, and percentiles of what came between them alone', () => {
    const [start, slow, fast] = snapshots({ hits: 10, took: 100 }, { hits: 50, took: 1 }) as [
      MetricsSnapshot,
      MetricsSnapshot,
      MetricsSnapshot,
    ];
    expect(momentBetween(start, slow)?.rates.redisHits).toBe(5);
    const moment = momentBetween(slow, fast);
    expect(moment?.rates.redisHits).toBe(25);
    const kind = fast.latency.find(({ outcome }) => outcome === 'hit');
    const { p50, p99 } = moment?.latency.get(kind ? kindOf(kind) : '') ?? {};
    // The ten that took 100 ms were before.
    expect(p50).toBeCloseTo(1, 1);
    expect(p99).toBeCloseTo(1, 1);
  });

  it('has no percentiles where nothing was timed', () => {
    const [, before, after] = snapshots({ hits: 1, took: 1 }, { hits: 0, took: 0 }) as [
      MetricsSnapshot,
      MetricsSnapshot,
      MetricsSnapshot,
    ];
    expect(momentBetween(before, after)?.latency.get('redis get hit')).toEqual({});
  });

  it('says nothing of a time in which counting began anew', () => {
    const [before, after] = snapshots({ hits: 1, took: 1 }) as [MetricsSnapshot, MetricsSnapshot];
    expect(momentBetween(before, { ...after, since: after.since + 1 })).toBeUndefined();
    expect(momentBetween(after, after)).toBeUndefined();
  });

  it('remembers five minutes', () => {
    const at = (seconds: number): Moment => ({ at: seconds }) as Moment;
    const history = remember([at(0), at(1), at(2)], at(SPAN + 1));
    expect(history.map((moment) => moment.at)).toEqual([1, 2, SPAN + 1]);
  });
});
