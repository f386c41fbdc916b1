import type { PortState, Reply } from '../redis/port.js';
import { CacheError } from '../errors.js';
import type { ClusterNode } from './cluster-node.js';
import type { ClusterPort } from './cluster-port.js';
import { textOf } from './text-of.js';

/** One node of the Cluster, as it was last seen. */
export interface NodeInfo {
  /** Its id in the cluster; undefined as long as only a redirection has named it. */
  readonly id: string | undefined;
  /** `host:port`. */
  readonly address: string;
  readonly role: 'primary' | 'replica';
  /** Of a replica, the address of its primary, where that is known. */
  readonly primary: string | undefined;
  /** As `CLUSTER NODES` has them, such as `master`, `slave`, `fail?`, `fail`. */
  readonly flags: readonly string[];
  /** How many slots it serves. */
  readonly slots: number;
  /** The connection of this process to it. */
  readonly state: PortState;
  /** Whether the node that told of it has a link to it: `down` is what the others say. */
  readonly clusterLink: 'up' | 'down';
  /** Milliseconds the answer to the last check took; undefined when none came. */
  readonly latency: number | undefined;
  /** Whether it answered the last check, and finds itself, its primary and the cluster well, as the others find it. */
  readonly healthy: boolean;
  /** Why it is not. */
  readonly problem: string | undefined;
}

export interface NodeChange {
  readonly kind: 'added' | 'removed' | 'changed';
  readonly node: NodeInfo;
  /** Of a change, what was before. */
  readonly previous: NodeInfo | undefined;
}

/** What the last check of a node found. */
interface Finding {
  readonly latency: number | undefined;
  readonly problem: string | undefined;
}

const NOT_CHECKED: Finding = { latency: undefined, problem: undefined };

/**
 * The nodes of the Cluster: what the cluster says of each, and what each says for itself when it is asked, every
 * `healthCheckInterval`. Says when a node comes or goes, or when its role, its flags or its health change.
 */
export class NodeManager {
  readonly #port: ClusterPort;
  readonly #listeners = new Set<(change: NodeChange) => void>();
  readonly #findings = new WeakMap<ClusterNode, Finding>();
  readonly #timer: NodeJS.Timeout;
  #known = new Map<string, NodeInfo>();

  /** Made by a cache over a Cluster. */
  constructor(port: ClusterPort, healthCheckInterval: number) {
    this.#port = port;
    const stopLooking = port.onTopology(() => this.#compare());
    port.onStateChange(({ state, part }) => {
      if (state !== 'closed' || part) return this.#compare();
      clearInterval(this.#timer);
      stopLooking();
    });
    this.#timer = setInterval(() => void this.check(), healthCheckInterval).unref();
  }

  /** All nodes, primaries first. Nothing is asked of them. */
  list(): NodeInfo[] {
    const nodes = [...this.#port.topology.nodes].map((node) => this.#describe(node));
    return nodes.sort((a, b) =>
      a.role === b.role ? (a.address < b.address ? -1 : 1) : a.role === 'primary' ? -1 : 1,
    );
  }

  /** The node at the address, `host:port`. */
  get(address: string): NodeInfo | undefined {
    return this.list().find((node) => node.address === address);
  }

  /** Asks every node now. Never rejects. */
  async check(): Promise<NodeInfo[]> {
    await Promise.all(
      [...this.#port.topology.nodes].map(async (node) => this.#findings.set(node, await examine(node))),
    );
    this.#compare();
    return this.list();
  }

  /** Calls the listener with every change. Returns what ends that. */
  onChange(listener: (change: NodeChange) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #describe(node: ClusterNode): NodeInfo {
    const { topology } = this.#port;
    const { view, slotCount, name, port } = node;
    const finding = this.#findings.get(node) ?? NOT_CHECKED;
    const problem = clusterProblem(node) ?? finding.problem;
    return {
      id: view?.id,
      address: name,
      role: node.isReplica ? 'replica' : 'primary',
      primary: node.isReplica ? topology.byId(view?.primaryId)?.name : undefined,
      flags: view?.flags.filter((flag) => flag !== 'myself') ?? [],
      slots: slotCount,
      state: port.state,
      clusterLink: view?.linked === false ? 'down' : 'up',
      latency: finding.latency,
      healthy: problem === undefined,
      problem,
    };
  }

  #compare(): void {
    const now = new Map(this.list().map((node) => [node.address, node]));
    const before = this.#known;
    this.#known = now;
    for (const [address, node] of now) {
      const previous = before.get(address);
      if (!previous) this.#tell({ kind: 'added', node, previous });
      else if (isOther(previous, node)) this.#tell({ kind: 'changed', node, previous });
    }
    for (const [address, node] of before) {
      if (!now.has(address)) this.#tell({ kind: 'removed', node, previous: undefined });
    }
  }

  #tell(change: NodeChange): void {
    for (const listener of this.#listeners) listener(change);
  }
}

/** What changes all the time, such as latency, is no news. */
function isOther(a: NodeInfo, b: NodeInfo): boolean {
  return (
    a.id !== b.id ||
    a.role !== b.role ||
    a.primary !== b.primary ||
    a.slots !== b.slots ||
    a.healthy !== b.healthy ||
    a.state !== b.state ||
    a.flags.join(',') !== b.flags.join(',')
  );
}

/** What is wrong with the node without asking it. */
function clusterProblem({ port, view }: ClusterNode): string | undefined {
  if (port.state !== 'ready') return `the connection to it is ${port.state}`;
  if (view?.flags.includes('fail')) return 'the cluster finds it failed';
  if (view?.flags.includes('fail?')) return 'another node gets no answer from it';
  return undefined;
}

async function examine({ port }: ClusterNode): Promise<Finding> {
  const began = performance.now();
  const [role, info] = await port.sendAll([
    { key: '', args: ['ROLE'] },
    { key: '', args: ['CLUSTER', 'INFO'] },
  ]);
  const latency = performance.now() - began;
  for (const answer of [role, info]) {
    if (answer instanceof CacheError) return { latency: undefined, problem: answer.message };
  }
  if (/^cluster_state:fail/m.test(textOf(info))) return { latency, problem: 'it finds the cluster down' };
  const [name, , , link] = Array.isArray(role) ? (role as Reply[]) : [];
  if (textOf(name) === 'slave' && textOf(link) !== 'connected') {
    return { latency, problem: `it does not follow its primary: its link is ${textOf(link)}` };
  }
  return { latency, problem: undefined };
}
