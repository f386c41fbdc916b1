import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ClusterNode } from '../../../src/cluster/cluster-node.js';
import type { NodeAddress } from '../../../src/cluster/redirection.js';
import { Topology } from '../../../src/cluster/topology.js';
import { TopologyWatch } from '../../../src/cluster/topology-watch.js';
import type { Command, PortState, Reply, StateChange } from '../../../src/redis/port.js';
import { ServerClock } from '../../../src/redis/server-clock.js';
import type { SingleServerPort } from '../../../src/redis/single-server-port.js';
import { MemoryLogger } from '../../support/memory-logger.js';

const PULSE = 1000;

/** As nodes of a cluster answer: `name role-and-flags primary epoch slots`. */
const WELL = ['a master - 1 0-8191', 'b master - 2 8192-16383', 'c slave a 1', 'd slave b 2'];
/** `c` has won, as it sees it; `a` has not been heard of since. */
const WON = ['a master,fail - 1', 'b master - 2 8192-16383', 'c master - 3 0-8191', 'd slave b 2'];
const AFTER = ['a slave c 3', 'b master - 2 8192-16383', 'c master - 3 0-8191', 'd slave b 2'];

/** Stands in for the connections to a cluster whose nodes all tell the same, which is what the test says. */
class ToldCluster {
  epoch = 2;
  nodes: readonly string[] = WELL;
  /** When the whole view was asked for, in milliseconds of the fake time; asked of several nodes at once it counts once. */
  readonly views: number[] = [];

  state: PortState = 'ready';
  /** Whether nothing is answered. */
  frozen = false;
  readonly #listeners = new Set<(change: Pick<StateChange, 'state'>) => void>();

  readonly port = portOf(this);

  send(command: Command): Promise<Reply> {
    return this.frozen ? new Promise(() => undefined) : Promise.resolve(this.#answer(command));
  }

  onStateChange(listener: (change: Pick<StateChange, 'state'>) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** As the connections find out for themselves when nothing is answered for too long. */
  becomeSilent(): void {
    this.state = 'silent';
    for (const listener of this.#listeners) listener({ state: 'silent' });
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  #answer({ args }: Command): Reply {
    if (args[1] === 'INFO') {
      return Buffer.from(
        `cluster_current_epoch:${this.epoch}\r\ncluster_known_nodes:${this.nodes.length}\r\n`,
      );
    }
    if (args[1] === 'SLOTS') return [];
    const now = performance.now();
    if (this.views.at(-1) !== now) this.views.push(now);
    const lines = this.nodes.map((line) => {
      const [name = '', flags = '', primary = '', epoch = '', slots = ''] = line.split(' ');
      return `${name} 10.0.0.1:${7000 + name.charCodeAt(0)}@1 ${flags} ${primary} 0 0 ${epoch} connected ${slots}`.trim();
    });
    return Buffer.from(`${lines.join('\n')}\n`);
  }
}

function portOf(cluster: ToldCluster): SingleServerPort {
  const port = {
    get state() {
      return cluster.state;
    },
    close: () => undefined,
    send: (command: Command) => cluster.send(command),
    sendAll: (commands: readonly Command[]) => Promise.all(commands.map((command) => cluster.send(command))),
    onStateChange: (listener: (change: StateChange) => void) =>
      cluster.onStateChange(listener as (change: Pick<StateChange, 'state'>) => void),
  };
  return port as unknown as SingleServerPort;
}

describe('the watch over the nodes of a Cluster', () => {
  let cluster: ToldCluster;
  let topology: Topology;
  let watch: TopologyWatch;

  const owner = (slot: number): string | undefined => topology.owner(slot)?.id;
  const pass = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);
  /** How often the whole view is asked for from now on. */
  const viewsWithin = async (ms: number): Promise<number> => {
    const before = cluster.views.length;
    await pass(ms);
    return cluster.views.length - before;
  };

  beforeEach(async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    cluster = new ToldCluster();
    const open = (address: NodeAddress): ClusterNode =>
      new ClusterNode(address, cluster.port, new ServerClock(), () => false);
    topology = new Topology({
      open,
      close: () => undefined,
      onMoved: () => undefined,
      translate: (address) => address,
    });
    const seeds = (): NodeAddress[] => [{ host: '10.0.0.1', port: 7097 }];
    watch = new TopologyWatch({
      topology,
      seeds,
      pulse: PULSE,
      logger: new MemoryLogger(),
      onRound: () => undefined,
    });
    watch.start();
    await pass(PULSE);
  });
  afterEach(() => {
    watch.close();
    vi.useRealTimers();
  });

  it('asks for the whole view now and then while all is well', async () => {
    expect(owner(0)).toBe('a');
    expect(await viewsWithin(60 * PULSE)).toBe(4);
  });

  it('does not keep those waiting who want to know whether another serves when nobody answers any more', async () => {
    cluster.frozen = true;
    let over = false;
    void watch.upTo(performance.now()).then(() => (over = true));
    await pass(100);
    expect(over).toBe(false);
    cluster.becomeSilent();
    await pass(0);
    expect(over).toBe(true);
    expect(cluster.listeners).toBe(0);
  });

  it('asks at once when a node or an election has come', async () => {
    [cluster.epoch, cluster.nodes] = [3, AFTER];
    await pass(PULSE);
    expect(owner(0)).toBe('c');
    cluster.nodes = [...AFTER, 'e master - 0'];
    await pass(PULSE);
    expect([...topology.nodes]).toHaveLength(5);
  });

  it('asks on where an election has begun that no view tells of yet', async () => {
    cluster.epoch = 3;
    await pass(2 * PULSE);
    expect(owner(0)).toBe('a');
    cluster.nodes = AFTER;
    await pass(PULSE);
    expect(owner(0)).toBe('c');
  });

  it('asks on until the old primary follows the new one, and no node is found failed', async () => {
    [cluster.epoch, cluster.nodes] = [3, WON];
    await pass(2 * PULSE);
    expect(topology.byId('a')?.view?.flags).toContain('fail');
    cluster.nodes = AFTER;
    await pass(PULSE);
    expect(topology.byId('a')?.view).toMatchObject({ role: 'replica', flags: ['slave'] });
    expect(await viewsWithin(60 * PULSE)).toBe(4);
  });

  it('asks more seldom the longer a node has been down, and often again once there is news', async () => {
    [cluster.epoch, cluster.nodes] = [3, WON];
    expect(await viewsWithin(10 * PULSE)).toBeGreaterThanOrEqual(9);
    await pass(600 * PULSE);
    expect(await viewsWithin(60 * PULSE)).toBe(4);
    watch.soon();
    await pass(3 * PULSE);
    cluster.nodes = AFTER;
    await pass(PULSE);
    expect(topology.byId('a')?.view?.role).toBe('replica');
  });
});
