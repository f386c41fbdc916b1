import { Histogram, type HistogramSnapshot } from '../metrics/histogram.js';

/** Why a node did not carry a command out itself. */
export interface RedirectCounts {
  /** The slot belongs to another node. */
  readonly moved: number;
  /** The key is on its way to another node, or there already. */
  readonly ask: number;
  /** The keys of the command were on two nodes. */
  readonly tryAgain: number;
  /** The node found the cluster, or the slot, not served. */
  readonly clusterDown: number;
}

/** What one node did for this process. */
export interface NodeMetricsSnapshot {
  /** Commands that it carried out, reads of one key each counted. */
  readonly commands: number;
  /** Its share of the commands of all nodes, from 0 to 1; 0 while there were none. */
  readonly load: number;
  /** Commands that failed there: no answer, no connection, or an error that is no redirection. */
  readonly errors: number;
  readonly redirects: RedirectCounts;
  /** Milliseconds from the call to the answer, redirections before it included. */
  readonly latency: HistogramSnapshot;
}

/** Counts of one node. Nothing here allocates but `snapshot`. */
export class NodeMetrics {
  readonly latency = new Histogram();
  commands = 0;
  errors = 0;
  readonly redirects = { moved: 0, ask: 0, tryAgain: 0, clusterDown: 0 };

  served(milliseconds: number): void {
    this.commands++;
    this.latency.record(milliseconds);
  }

  snapshot(all: number): NodeMetricsSnapshot {
    return {
      commands: this.commands,
      load: all === 0 ? 0 : this.commands / all,
      errors: this.errors,
      redirects: { ...this.redirects },
      latency: this.latency.snapshot(),
    };
  }

  reset(): void {
    this.commands = 0;
    this.errors = 0;
    Object.assign(this.redirects, { moved: 0, ask: 0, tryAgain: 0, clusterDown: 0 });
    this.latency.reset();
  }
}

/** Plain JSON, a copy. */
export interface ClusterMetricsSnapshot {
  /** By the node's `host:port`, of all nodes that are known now. */
  readonly nodes: Readonly<Record<string, NodeMetricsSnapshot>>;
  /** Over all nodes. */
  readonly redirects: RedirectCounts;
}

/**
 * Latency, load, errors and redirections of each node, counted where a command was really carried out: one that node A sent on
 * to node B is a redirect of A's and a command of B's. Always on; see the histogram for what a record costs.
 */
export class ClusterMetrics {
  readonly #nodes: () => Iterable<{ readonly name: string; readonly metrics: NodeMetrics }>;

  /** Made by a cache over a Cluster. */
  constructor(nodes: () => Iterable<{ readonly name: string; readonly metrics: NodeMetrics }>) {
    this.#nodes = nodes;
  }

  snapshot(): ClusterMetricsSnapshot {
    const nodes = [...this.#nodes()];
    const all = nodes.reduce((sum, { metrics }) => sum + metrics.commands, 0);
    const redirects = { moved: 0, ask: 0, tryAgain: 0, clusterDown: 0 };
    for (const { metrics } of nodes) {
      for (const kind of Object.keys(redirects) as Array<keyof RedirectCounts>) {
        redirects[kind] += metrics.redirects[kind];
      }
    }
    return {
      nodes: Object.fromEntries(nodes.map(({ name, metrics }) => [name, metrics.snapshot(all)])),
      redirects,
    };
  }

  /** Begins anew: all counts 0. */
  reset(): void {
    for (const { metrics } of this.#nodes()) metrics.reset();
  }
}
