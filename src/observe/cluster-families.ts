import type { ClusterMetricsSnapshot } from '../cluster/cluster-metrics.js';
import { histogramSamples, powersOfTwo } from './histogram-samples.js';
import type { MetricFamily, Sample } from './metric-family.js';

/** From 62.5 us to 8.2 s. */
const BOUNDS = powersOfTwo(-4, 13);

/** What the nodes of a Cluster did for this process, by `node`. */
export function clusterFamilies({ nodes }: ClusterMetricsSnapshot): MetricFamily[] {
  const all = Object.entries(nodes);
  const counts = (read: (node: (typeof all)[number][1]) => number): Sample[] =>
    all.map(([node, metrics]) => ({ labels: { node }, value: read(metrics) }));
  return [
    {
      name: 'node_commands_total',
      help: 'Commands that a node carried out, reads of one key each counted.',
      type: 'counter',
      samples: counts(({ commands }) => commands),
    },
    {
      name: 'node_errors_total',
      help: 'Commands that failed at a node: no answer, no connection, or an error that is no redirection.',
      type: 'counter',
      samples: counts(({ errors }) => errors),
    },
    {
      name: 'node_redirects_total',
      help: 'Commands that a node did not carry out itself, by why.',
      type: 'counter',
      samples: all.flatMap(([node, { redirects }]) =>
        Object.entries(redirects).map(([kind, value]): Sample => ({ labels: { node, kind }, value })),
      ),
    },
    {
      name: 'node_command_duration_seconds',
      help: 'Time from the call to the answer of a node, redirections before it included.',
      type: 'histogram',
      samples: all.flatMap(([node, { latency }]) => histogramSamples(latency, BOUNDS, { node })),
    },
  ];
}
