import type { ClusterMetricsSnapshot } from '../cluster/cluster-metrics.js';
import { InvalidOptionError } from '../errors.js';
import type { MetricsSnapshot } from '../metrics/snapshot.js';
import { describeValue } from '../validate.js';

/**
 * What is shown: a cache or a client, its `CacheMetrics`, or a function that answers a snapshot, such as one merged over
 * processes.
 */
export type MetricsSource =
  | {
      readonly metrics: { snapshot(): MetricsSnapshot };
      /** Of a cache over a Cluster. */
      readonly clusterMetrics?: { snapshot(): ClusterMetricsSnapshot };
    }
  | { snapshot(): MetricsSnapshot }
  | (() => MetricsSnapshot);

/** One source, or several by names, which become the label `cache`. */
export type MetricsSources = MetricsSource | Readonly<Record<string, MetricsSource>>;

export interface NamedSource {
  /** Undefined where there is but one. */
  readonly name: string | undefined;
  readonly snapshot: () => MetricsSnapshot;
  /** What the nodes of a Cluster did, where the source is a cache over one. */
  readonly nodes: (() => ClusterMetricsSnapshot) | undefined;
}

/** @throws InvalidOptionError for what is none. */
export function namedSources(sources: MetricsSources): NamedSource[] {
  const single = snapshotOf(sources);
  if (single) return [{ name: undefined, snapshot: single, nodes: nodesOf(sources) }];
  if (typeof sources === 'object' && sources !== null) {
    const named = Object.entries(sources as Readonly<Record<string, MetricsSource>>).map(([name, source]) => {
      const snapshot = snapshotOf(source);
      if (!snapshot) throw notASource(source, name);
      return { name, snapshot, nodes: nodesOf(source) };
    });
    if (named.length > 0) return named;
  }
  throw notASource(sources, undefined);
}

function snapshotOf(source: MetricsSources): (() => MetricsSnapshot) | undefined {
  if (typeof source === 'function') return source;
  if (typeof source !== 'object' || source === null) return undefined;
  if (isMetrics(source)) return () => source.snapshot();
  const { metrics } = source as { readonly metrics?: unknown };
  return isMetrics(metrics) ? () => metrics.snapshot() : undefined;
}

function nodesOf(source: MetricsSources): NamedSource['nodes'] {
  const { clusterMetrics } = source as { readonly clusterMetrics?: { snapshot(): ClusterMetricsSnapshot } };
  return clusterMetrics && (() => clusterMetrics.snapshot());
}

function isMetrics(value: unknown): value is { snapshot(): MetricsSnapshot } {
  return typeof value === 'object' && value !== null && typeof Reflect.get(value, 'snapshot') === 'function';
}

function notASource(value: unknown, name: string | undefined): InvalidOptionError {
  const where = name === undefined ? '' : ` for '${name}'`;
  return new InvalidOptionError(
    `expected a cache, its metrics or a function that answers a snapshot${where}, got ${describeValue(value)}`,
  );
}
