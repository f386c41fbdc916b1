import type { MetricsCounters, MetricsSnapshot } from '../metrics/snapshot.js';
import { histogramSamples, powersOfTwo } from './histogram-samples.js';
import type { Labels, MetricFamily, Sample } from './metric-family.js';

/** From 62.5 us to 8.2 s. */
const OPERATION_BOUNDS = powersOfTwo(-4, 13);
/** From 122 ns to 1 ms. */
const MEMORY_BOUNDS = powersOfTwo(-13, 0);
/** From 1 s to 6 days. */
const AGE_BOUNDS = powersOfTwo(10, 29, 2);

/** One counter of Prometheus: counts of a namespace, each with the labels that tell them apart. */
interface CounterDefinition {
  readonly name: string;
  readonly help: string;
  readonly counts: readonly (readonly [labels: Labels, count: (counts: MetricsCounters) => number])[];
}

const COUNTERS: readonly CounterDefinition[] = [
  {
    name: 'reads_total',
    help: 'Reads of keys by layer and by how they ended. A miss in memory goes on to Redis.',
    counts: [
      [{ layer: 'memory', outcome: 'hit' }, (c) => c.memoryHits],
      [{ layer: 'memory', outcome: 'miss' }, (c) => c.memoryMisses],
      [{ layer: 'redis', outcome: 'hit' }, (c) => c.redisHits],
      [{ layer: 'redis', outcome: 'miss' }, (c) => c.redisMisses],
      [{ layer: 'redis', outcome: 'error' }, (c) => c.redisErrors],
    ],
  },
  {
    name: 'misses_total',
    help: 'Reads for which no layer had a value.',
    counts: [[{}, (c) => c.misses]],
  },
  {
    name: 'coalesced_total',
    help: 'Callers that shared the answer of another call under way in the process.',
    counts: [[{}, (c) => c.coalesced]],
  },
  {
    name: 'stale_serves_total',
    help: 'Answers past their ttl: while a load replaced them, or in place of a load that failed or was slow.',
    counts: [
      [{ reason: 'revalidate' }, (c) => c.staleWhileRevalidate],
      [{ reason: 'error' }, (c) => c.staleIfError],
    ],
  },
  { name: 'loads_total', help: 'Keys that were loaded, or were to be.', counts: [[{}, (c) => c.loads]] },
  {
    name: 'load_failures_total',
    help: 'Loads that failed, or passed timeout.hard.',
    counts: [
      [{ reason: 'error' }, (c) => c.loadFailures - c.loadTimeouts],
      [{ reason: 'timeout' }, (c) => c.loadTimeouts],
    ],
  },
  {
    name: 'refreshes_total',
    help: 'Those of the loads that no caller waited for.',
    counts: [[{}, (c) => c.refreshes]],
  },
  {
    name: 'leases_taken_total',
    help: 'Leases taken, to load a key for all processes.',
    counts: [[{}, (c) => c.leasesTaken]],
  },
  {
    name: 'lease_waits_total',
    help: 'Times a read waited for the load of another process.',
    counts: [[{}, (c) => c.leaseWaits]],
  },
  {
    name: 'lease_takeovers_total',
    help: 'Leases taken after waiting for the load of another process, which died or failed.',
    counts: [[{}, (c) => c.leaseTakeovers]],
  },
  {
    name: 'fills_total',
    help: 'Loaded values by what became of them: stored, refused since the key was changed meanwhile, or not stored by an error.',
    counts: [
      [{ outcome: 'ok' }, (c) => c.fills],
      [{ outcome: 'refused' }, (c) => c.fillsRefused],
      [{ outcome: 'error' }, (c) => c.fillErrors],
    ],
  },
  {
    name: 'writes_total',
    help: 'Keys written and deleted by request.',
    counts: [
      [{ operation: 'set', outcome: 'ok' }, (c) => c.sets],
      [{ operation: 'set', outcome: 'error' }, (c) => c.setErrors],
      [{ operation: 'delete', outcome: 'ok' }, (c) => c.deletes],
      [{ operation: 'delete', outcome: 'error' }, (c) => c.deleteErrors],
    ],
  },
  {
    name: 'bulk_calls_total',
    help: 'Calls about many keys at once.',
    counts: [
      [{ operation: 'getMany' }, (c) => c.getManyCalls],
      [{ operation: 'getOrSetMany' }, (c) => c.getOrSetManyCalls],
      [{ operation: 'setMany' }, (c) => c.setManyCalls],
      [{ operation: 'deleteMany' }, (c) => c.deleteManyCalls],
    ],
  },
  {
    name: 'tag_invalidations_total',
    help: 'Tags invalidated by request.',
    counts: [[{}, (c) => c.tagInvalidations]],
  },
  {
    name: 'invalidations_total',
    help: 'Invalidations of keys and tags: told to Redis, told by Redis, and kept since Redis could not be told.',
    counts: [
      [{ direction: 'sent' }, (c) => c.invalidationsSent],
      [{ direction: 'received' }, (c) => c.invalidationsReceived],
      [{ direction: 'deferred' }, (c) => c.invalidationsDeferred],
    ],
  },
  {
    name: 'unreadable_entries_total',
    help: 'Entries in Redis that could not be read and were taken for misses.',
    counts: [[{}, (c) => c.unreadable]],
  },
  {
    name: 'other_errors_total',
    help: 'Failures of has, ttl, expire, tags and leases.',
    counts: [[{}, (c) => c.otherErrors]],
  },
];

/**
 * A snapshot as metrics with the names and units of Prometheus, without those of other parts. Every family is always there, with
 * no samples where there is nothing to tell.
 */
export function metricFamilies(snapshot: MetricsSnapshot): MetricFamily[] {
  const families: MetricFamily[] = [];
  const add: Add = (type, name, help, samples) => void families.push({ name, help, type, samples });
  for (const { name, help, counts } of COUNTERS) {
    const samples = Object.entries(snapshot.namespaces).flatMap(([namespace, own]) =>
      counts.map(([labels, count]) => ({ labels: { namespace, ...labels }, value: count(own) })),
    );
    add('counter', name, help, samples);
  }
  add(
    'counter',
    'background_errors_total',
    'Failures of work that no caller waited for, or that a caller was spared.',
    byLabel('operation', snapshot.backgroundErrors),
  );
  addHistograms(snapshot, add);
  addGauges(snapshot, add);
  return families;
}

/** The metrics of other parts, by names made of theirs. */
export function namedFamilies({ named }: MetricsSnapshot): MetricFamily[] {
  const counters = Object.entries(named.counters).map(([name, value]): MetricFamily => {
    const help = `The counter ${name}.`;
    return { name: `${name.replaceAll('.', '_')}_total`, help, type: 'counter', samples: one(value) };
  });
  const gauges = Object.entries(named.gauges).map(([name, value]): MetricFamily => {
    return {
      name: name.replaceAll('.', '_'),
      help: `The gauge ${name}.`,
      type: 'gauge',
      samples: one(value),
    };
  });
  return [...counters, ...gauges];
}

type Add = (type: MetricFamily['type'], name: string, help: string, samples: readonly Sample[]) => void;

function addHistograms({ latency, staleAge, coherence }: MetricsSnapshot, add: Add): void {
  const inMemory = latency.filter(({ layer }) => layer === 'memory');
  const elsewhere = latency.filter(({ layer }) => layer !== 'memory');
  add(
    'histogram',
    'operation_duration_seconds',
    'Time that operations took, by layer, operation and outcome.',
    elsewhere.flatMap(({ layer, operation, outcome, ...histogram }) =>
      histogramSamples(histogram, OPERATION_BOUNDS, { layer, operation, outcome }),
    ),
  );
  add(
    'histogram',
    'memory_hit_duration_seconds',
    'Time that a hit in memory took, of a sample of the hits.',
    inMemory.flatMap((histogram) => histogramSamples(histogram, MEMORY_BOUNDS, {})),
  );
  add(
    'histogram',
    'stale_age_seconds',
    'Time since the load of what was served past its ttl.',
    staleAge.count === 0 ? [] : histogramSamples(staleAge, AGE_BOUNDS, {}),
  );
  add(
    'histogram',
    'coherence_lag_seconds',
    'Time within which changes made elsewhere are heard of, measured about once a second by each connection.',
    coherence ? histogramSamples(coherence.lag, OPERATION_BOUNDS, {}) : [],
  );
}

function addGauges({ memory, redis, since }: MetricsSnapshot, add: Add): void {
  add('counter', 'memory_removals_total', 'Values that left memory, by reason.', [
    ...(memory ? byLabel('reason', memory.removals) : []),
  ]);
  add('gauge', 'memory_entries', 'Values in memory.', one(memory?.entries));
  add('gauge', 'memory_bytes', 'Bytes that the values in memory take, about.', one(memory?.bytes));
  add('gauge', 'memory_max_bytes', 'Bytes that they may take.', one(memory?.maxBytes));
  add(
    'gauge',
    'redis_state',
    'Of how many processes the way to Redis is in this state.',
    redis ? byLabel('state', redis.states) : [],
  );
  add(
    'gauge',
    'redis_server_state',
    'In how many processes the way to this server is in this state.',
    redis?.servers.flatMap(({ address, states }) =>
      byLabel('state', states).map(({ labels, value }) => ({ labels: { node: address, ...labels }, value })),
    ) ?? [],
  );
  add(
    'counter',
    'redis_state_changes_total',
    'How often the way to Redis entered a state.',
    redis ? byLabel('state', redis.entered) : [],
  );
  add(
    'gauge',
    'redis_tracking',
    'Whether the server tells of changed keys: 1 or 0.',
    one(redis && Number(redis.tracking)),
  );
  add('gauge', 'counting_since_seconds', 'When counting began, since the Unix epoch.', one(since / 1000));
}

function one(value: number | undefined): Sample[] {
  return value === undefined ? [] : [{ labels: {}, value }];
}

function byLabel(label: string, values: Readonly<Record<string, number>>): Sample[] {
  return Object.entries(values).map(([name, value]) => ({ labels: { [label]: name }, value }));
}
