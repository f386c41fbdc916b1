import type { CacheHealth } from './cache-health.js';
import { CacheManager, type ManagerParts } from './cache-manager.js';
import { ClusterMetrics } from '../cluster/cluster-metrics.js';
import type { ClusterPort } from '../cluster/cluster-port.js';
import { NodeManager, type NodeInfo } from '../cluster/node-manager.js';

export interface ClusterHealth extends CacheHealth {
  /** Whether every slot is served by a node that answered just now. Replicas may be missing. */
  readonly serving: boolean;
  /** How many of the 16,384 slots are not. */
  readonly slotsUnserved: number;
  /** Every node, with what it answered just now. */
  readonly nodes: readonly NodeInfo[];
}

/**
 * A cache over a Redis Cluster: all of `CacheManager`, and a look at the nodes. What `createCache` makes of
 * `redis: { cluster }`, or of the application's own client of a Cluster.
 *
 * @example
 * const cache = createCache({ redis: { cluster: ['redis://10.0.0.1:6379', 'redis://10.0.0.2:6379'] } })
 * cache.nodes.onChange(({ kind, node }) => log.info(`${node.address} ${kind}: ${node.problem ?? node.role}`))
 */
export class ClusterCacheManager extends CacheManager {
  /** Role, flags, latency and health of each node. */
  readonly nodes: NodeManager;
  /** Latency, load, errors and redirections of each node. */
  readonly clusterMetrics: ClusterMetrics;
  readonly #port: ClusterPort;

  /** Made by `createCache`. */
  constructor(parts: ManagerParts, port: ClusterPort) {
    super(parts);
    this.#port = port;
    this.nodes = new NodeManager(port, port.healthCheckInterval);
    this.clusterMetrics = new ClusterMetrics(() => port.topology.nodes);
  }

  /** Asks each node whether it is well: `healthy` is when all of them are, replicas too. Never rejects. */
  override async healthCheck(): Promise<ClusterHealth> {
    const [health, nodes] = await Promise.all([super.healthCheck(), this.nodes.check()]);
    const { topology } = this.#port;
    const silent = nodes.filter(({ slots, latency }) => slots > 0 && latency === undefined);
    const slotsUnserved = silent.reduce((sum, { slots }) => sum + slots, topology.uncovered);
    return {
      ...health,
      healthy: health.healthy && slotsUnserved === 0 && nodes.every(({ healthy }) => healthy),
      serving: slotsUnserved === 0,
      slotsUnserved,
      nodes,
    };
  }
}
