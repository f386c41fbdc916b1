import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { CacheMetrics } from '../../../src/metrics/cache-metrics.js';
import { HotKeySampler } from '../../../src/metrics/hot-key-sampler.js';
import { mergeSnapshots } from '../../../src/metrics/merge-snapshots.js';
import type { NamespaceMetrics } from '../../../src/metrics/namespace-metrics.js';
import type { MetricsSnapshot } from '../../../src/metrics/snapshot.js';
import { FakeClock } from '../../support/fake-clock.js';

type Event = (metrics: CacheMetrics) => void;

const duration = fc.integer({ min: 0, max: 5000 });
const namespace = fc.constantFrom('shop', 'shop:eu', '');
const inNamespace = (happen: (counts: NamespaceMetrics, milliseconds: number) => void) =>
  fc.tuple(namespace, duration).map(
    ([name, ms]): Event =>
      (metrics) =>
        happen(metrics.namespace(name), ms),
  );

/** Anything that a cache may tell its metrics, but for what is sampled. */
const event: fc.Arbitrary<Event> = fc.oneof(
  inNamespace((counts, ms) => counts.readFromRedis('hit', ms, 'k')),
  inNamespace((counts, ms) => counts.readFromRedis('miss', ms, 'k')),
  inNamespace((counts, ms) => counts.readFromRedis('error', ms, 'k')),
  inNamespace((counts, ms) => counts.written(ms)),
  inNamespace((counts, ms) => counts.removed(ms, true)),
  inNamespace((counts, ms) => counts.servedStale('error', ms)),
  inNamespace((counts) => void counts.coalesced++),
  fc.constantFrom('fill', 'refresh', 'other').map((operation): Event => {
    return (metrics) => metrics.backgroundError(operation);
  }),
  fc.integer({ min: 0, max: 9 }).map((by): Event => {
    return (metrics) => metrics.counter('preload.turns').add(by);
  }),
);

/** What of a snapshot does not depend on what was drawn by chance, nor on the order of additions. */
function comparable(snapshot: MetricsSnapshot): unknown {
  const { processes: _processes, hotKeys: _hotKeys, latency, staleAge, ...rest } = snapshot;
  const rounded = ({ sum, mean, ...histogram }: MetricsSnapshot['staleAge']): unknown => ({
    ...histogram,
    sum: Math.round(sum),
    mean: Math.round(mean),
  });
  const byName = latency.map((one) => [`${one.layer} ${one.operation} ${one.outcome}`, rounded(one)]);
  return { ...rest, latency: Object.fromEntries(byName), staleAge: rounded(staleAge) };
}

function after(events: readonly Event[], clock: FakeClock): MetricsSnapshot {
  const metrics = new CacheMetrics({ clock });
  for (const happen of events) happen(metrics);
  return metrics.snapshot();
}

describe('mergeSnapshots', () => {
  it('is what one process had counted, had all happened in it', () => {
    fc.assert(
      fc.property(fc.array(fc.array(event), { minLength: 1, maxLength: 4 }), (processes) => {
        const clock = new FakeClock(1000);
        const parts = processes.map((events) => after(events, clock));
        const merged = mergeSnapshots(JSON.parse(JSON.stringify(parts)) as MetricsSnapshot[]);
        expect(comparable(merged)).toEqual(comparable(after(processes.flat(), clock)));
        expect(merged.processes).toBe(processes.length);
      }),
    );
  });

  it('does not matter in which order or in which groups', () => {
    fc.assert(
      fc.property(fc.array(event), fc.array(event), fc.array(event), (a, b, c) => {
        const [x, y, z] = [a, b, c].map((events) => after(events, new FakeClock()));
        if (!x || !y || !z) throw new Error('three were made');
        const left = mergeSnapshots([mergeSnapshots([x, y]), z]);
        const right = mergeSnapshots([z, mergeSnapshots([y, x])]);
        expect(comparable(left)).toEqual(comparable(right));
        expect(left.processes).toBe(3);
      }),
    );
  });

  it('adds rates, and takes the earliest beginning and the latest end', () => {
    const one = new FakeClock(1000);
    const other = new FakeClock(5000);
    const [early, late] = [new CacheMetrics({ clock: one }), new CacheMetrics({ clock: other })];
    one.advance(10_000);
    other.advance(10_000);
    for (let i = 0; i < 20; i++) early.namespace('shop').written(NaN);
    for (let i = 0; i < 30; i++) late.namespace('shop').written(NaN);
    const merged = mergeSnapshots([early.snapshot(), late.snapshot()]);
    expect(merged).toMatchObject({ since: 1000, at: 15_000, processes: 2 });
    expect(merged.windows[0]?.perSecond.sets).toBe(5);
  });

  it('keeps what is known of hot keys true: never too few reads, never more too many than the error', () => {
    const keys = fc.array(fc.integer({ min: 0, max: 60 }), { maxLength: 400 });
    fc.assert(
      fc.property(fc.array(keys, { minLength: 1, maxLength: 4 }), (processes) => {
        const truth = new Map<string, number>();
        const parts = processes.map((read) => {
          const hot = new HotKeySampler(4, new FakeClock());
          for (const key of read) {
            hot.sample('shop', `k${key}`, 1, 0);
            truth.set(`k${key}`, (truth.get(`k${key}`) ?? 0) + 1);
          }
          return { ...new CacheMetrics().snapshot(), hotKeys: hot.snapshot() };
        });
        const merged = mergeSnapshots(parts).hotKeys;
        for (const { key, reads, error } of merged?.keys ?? []) {
          const exact = truth.get(key) ?? 0;
          expect(reads).toBeGreaterThanOrEqual(exact);
          expect(reads - error).toBeLessThanOrEqual(exact);
        }
        const listed = new Set(merged?.keys.map(({ key }) => key));
        for (const [key, count] of truth) {
          if (!listed.has(key)) expect(count).toBeLessThanOrEqual(merged?.floor ?? 0);
        }
        expect(merged?.total).toBe(processes.flat().length);
      }),
    );
  });

  it('takes how late processes hear of changes together, of those that hear of any', () => {
    const hearing = (...lags: readonly number[]): MetricsSnapshot => {
      const metrics = new CacheMetrics();
      const onLag = (listener: (milliseconds: number) => void): void => {
        for (const lag of lags) listener(lag);
      };
      metrics.attach(undefined, undefined, { onLag });
      return metrics.snapshot();
    };
    const deaf = new CacheMetrics().snapshot();
    const merged = mergeSnapshots([hearing(1, 2), deaf, hearing(30), hearing()]);
    expect(merged.coherence).toEqual(hearing(1, 2, 30).coherence);
    expect(merged.coherence?.lag).toMatchObject({ count: 3, min: 1, max: 30 });
    expect(mergeSnapshots([deaf, deaf])).not.toHaveProperty('coherence');
  });

  it('adds up memory and counts the states that processes see', () => {
    const removals = { capacity: 1, expired: 2, replaced: 3, rejected: 4, deleted: 5, cleared: 6 };
    const none = { connecting: 0, ready: 0, degraded: 0, silent: 0, lost: 0, closed: 0 };
    const base = new CacheMetrics().snapshot();
    const withGauges = (state: 'ready' | 'lost'): MetricsSnapshot => ({
      ...base,
      memory: { entries: 1, bytes: 10, maxBytes: 100, evictions: 1, removals },
      redis: {
        states: { ...none, [state]: 1 },
        entered: { ...none, ready: 2 },
        servers: [{ address: 'a:1', states: { ...none, [state]: 1 } }],
        tracking: true,
      },
    });
    const merged = mergeSnapshots([withGauges('ready'), base, withGauges('lost')]);
    expect(merged.memory).toEqual({
      entries: 2,
      bytes: 20,
      maxBytes: 200,
      evictions: 2,
      removals: { capacity: 2, expired: 4, replaced: 6, rejected: 8, deleted: 10, cleared: 12 },
    });
    expect(merged.redis).toEqual({
      states: { ...none, ready: 1, lost: 1 },
      entered: { ...none, ready: 4 },
      servers: [{ address: 'a:1', states: { ...none, ready: 1, lost: 1 } }],
      tracking: true,
    });
  });

  it('refuses none, and those of another version', () => {
    expect(() => mergeSnapshots([])).toThrow(TypeError);
    const later = { ...new CacheMetrics().snapshot(), version: 2 } as unknown as MetricsSnapshot;
    expect(() => mergeSnapshots([later])).toThrow(/version 1, got 2/);
  });
});
