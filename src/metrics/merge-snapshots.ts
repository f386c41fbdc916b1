import type { RemovalCounts } from '../memory/removal.js';
import { addUp, ratiosOf } from './counters.js';
import { noStates } from './gauge-sources.js';
import { Histogram } from './histogram.js';
import { mergeWindows } from './rate-windows.js';
import type {
  BackgroundOperation,
  ByPortState,
  HotKey,
  HotKeys,
  LatencySnapshot,
  MemoryGauges,
  MetricsCounters,
  MetricsSnapshot,
  RedisGauges,
} from './snapshot.js';

/**
 * The snapshots of several processes as one, as if all had counted together: counts, rates and gauges add up, histograms are
 * merged bucket by bucket, so that their percentiles are those of all durations (a mean of percentiles would be none). `since`
 * is the earliest, `at` the latest. The keys of one snapshot are those of all of them. Of hot keys, what a key has at most and
 * at least stays true (P. Agarwal et al., "Mergeable Summaries", PODS 2012).
 *
 * @throws TypeError without any snapshot, or for one of another version.
 */
export function mergeSnapshots(snapshots: readonly MetricsSnapshot[]): MetricsSnapshot {
  if (snapshots.length === 0) throw new TypeError('mergeSnapshots: expected at least one snapshot');
  for (const { version } of snapshots) {
    if (version !== 1) throw new TypeError(`mergeSnapshots: expected version 1, got ${String(version)}`);
  }
  const counters = addUp(snapshots.map((one) => one.counters));
  const memory = present(snapshots.map((one) => one.memory));
  const redis = present(snapshots.map((one) => one.redis));
  const coherence = present(snapshots.map((one) => one.coherence));
  const hotKeys = present(snapshots.map((one) => one.hotKeys));
  return {
    version: 1,
    since: Math.min(...snapshots.map(({ since }) => since)),
    at: Math.max(...snapshots.map(({ at }) => at)),
    processes: sum(snapshots.map(({ processes }) => processes)),
    counters,
    namespaces: mergeNamespaces(snapshots),
    ratios: ratiosOf(counters),
    windows: groups(
      snapshots.flatMap((one) => one.windows),
      ({ seconds }) => String(seconds),
    ).map(mergeWindows),
    latency: groups(
      snapshots.flatMap((one) => one.latency),
      ({ layer, operation, outcome }) => `${layer} ${operation} ${outcome}`,
    ).map(mergeLatency),
    staleAge: Histogram.ofSnapshots(snapshots.map((one) => one.staleAge)).snapshot(),
    ...(coherence.length > 0 && {
      coherence: { lag: Histogram.ofSnapshots(coherence.map(({ lag }) => lag)).snapshot() },
    }),
    ...(hotKeys.length > 0 && { hotKeys: mergeHotKeys(hotKeys) }),
    backgroundErrors: addRecords(snapshots.map((one) => one.backgroundErrors)) as {
      [Operation in BackgroundOperation]: number;
    },
    ...(memory.length > 0 && { memory: mergeMemory(memory) }),
    ...(redis.length > 0 && { redis: mergeRedis(redis) }),
    named: {
      counters: addRecords(snapshots.map((one) => one.named.counters)),
      gauges: addRecords(snapshots.map((one) => one.named.gauges)),
    },
  };
}

function mergeNamespaces(snapshots: readonly MetricsSnapshot[]): Record<string, MetricsCounters> {
  const all = snapshots.flatMap((one) => Object.entries(one.namespaces));
  const merged = groups(all, ([name]) => name).map((same): [string, MetricsCounters] => [
    same[0]?.[0] ?? '',
    addUp(same.map(([, counts]) => counts)),
  ]);
  return Object.fromEntries(merged);
}

function mergeLatency(same: readonly LatencySnapshot[]): LatencySnapshot {
  const { layer, operation, outcome } = same[0] as LatencySnapshot;
  const timed = sum(same.map(({ count }) => count));
  const timedOneIn = sum(same.map((one) => one.timedOneIn * one.count)) / timed;
  return { layer, operation, outcome, timedOneIn, ...Histogram.ofSnapshots(same).snapshot() };
}

function mergeHotKeys(all: readonly HotKeys[]): HotKeys {
  const total = sum(all.map((one) => one.total));
  const found = new Map<string, HotKey>();
  for (const { namespace, key } of all.flatMap(({ keys }) => keys)) {
    const id = JSON.stringify([namespace, key]);
    if (found.has(id)) continue;
    let reads = 0;
    let error = 0;
    for (const { keys, floor } of all) {
      const own = keys.find((hot) => hot.key === key && hot.namespace === namespace);
      // Where it is not listed it may have had as many reads as the floor, or none.
      reads += own?.reads ?? floor;
      error += own?.error ?? floor;
    }
    found.set(id, { namespace, key, reads, error, share: total === 0 ? 0 : reads / total });
  }
  const keys = [...found.values()].sort((a, b) => b.reads - a.reads || a.error - b.error);
  const most = Math.max(...all.map((one) => one.keys.length));
  return {
    total,
    floor: Math.max(sum(all.map(({ floor }) => floor)), keys[most]?.reads ?? 0),
    keys: keys.slice(0, most),
  };
}

function mergeMemory(all: readonly MemoryGauges[]): MemoryGauges {
  return {
    entries: sum(all.map(({ entries }) => entries)),
    bytes: sum(all.map(({ bytes }) => bytes)),
    maxBytes: sum(all.map(({ maxBytes }) => maxBytes)),
    evictions: sum(all.map(({ evictions }) => evictions)),
    removals: addRecords(all.map(({ removals }) => removals)) as RemovalCounts,
  };
}

function mergeRedis(all: readonly RedisGauges[]): RedisGauges {
  const servers = groups(
    all.flatMap((one) => one.servers),
    ({ address }) => address,
  );
  return {
    states: addStates(all.map(({ states }) => states)),
    entered: addStates(all.map(({ entered }) => entered)),
    servers: servers.map((same) => ({
      address: same[0]?.address ?? '',
      states: addStates(same.map(({ states }) => states)),
    })),
    tracking: all.every(({ tracking }) => tracking),
  };
}

function addStates(all: readonly ByPortState[]): ByPortState {
  return { ...noStates(), ...addRecords(all) };
}

function addRecords(all: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const added: Record<string, number> = {};
  for (const one of all) {
    for (const [name, value] of Object.entries(one)) added[name] = (added[name] ?? 0) + value;
  }
  return added;
}

/** What has the same id, together, in the order in which each id came first. */
function groups<T>(all: readonly T[], idOf: (one: T) => string): T[][] {
  const byId = new Map<string, T[]>();
  for (const one of all) {
    const id = idOf(one);
    const same = byId.get(id);
    if (same) same.push(one);
    else byId.set(id, [one]);
  }
  return [...byId.values()];
}

function present<T>(all: readonly (T | undefined)[]): T[] {
  return all.filter((one) => one !== undefined);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
