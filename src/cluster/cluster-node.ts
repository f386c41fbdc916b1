import type { ServerClock } from '../redis/server-clock.js';
import { CacheError } from '../errors.js';
import type { Command, KeyPart, Reply } from '../redis/port.js';
import type { SingleServerPort } from '../redis/single-server-port.js';
import { turnClock } from '../runtime/turn-clock.js';
import type { NodeView } from './cluster-view.js';
import { NodeMetrics } from './cluster-metrics.js';
import type { NodeAddress } from './redirection.js';

/** A node of a Cluster as this process has it: the way there, and what the cluster last said of it. */
export class ClusterNode {
  readonly address: NodeAddress;
  /** `host:port`. */
  readonly name: string;
  readonly port: SingleServerPort;
  readonly clock: ServerClock;
  readonly metrics = new NodeMetrics();
  /** The keys that its connection vouches for. */
  readonly part: KeyPart;
  /** What the cluster last said of it; undefined for one that only a redirection has named so far. */
  view: NodeView | undefined;
  /** How many slots it serves. */
  slotCount = 0;
  /** Who is read for the keys of its slots: itself, or a replica of its. */
  readsAt: ClusterNode = this;
  /** Whether its connection was told that old answers will do. */
  isReadOnly = false;
  /** Since when it has refused commands because it finds the cluster down, by `performance.now()`; 0 when it does not. */
  downSince = 0;
  /** When its connection was last lost or found silent, by `performance.now()`. */
  lostAt = 0;

  constructor(
    address: NodeAddress,
    port: SingleServerPort,
    clock: ServerClock,
    vouchesFor: (node: ClusterNode, redisKey: string) => boolean,
  ) {
    this.address = address;
    this.name = nameOf(address);
    this.port = port;
    this.clock = clock;
    this.part = {
      name: this.name,
      has: (redisKey) => vouchesFor(this, redisKey),
      lastHeard: () => port.lastHeard(),
    };
  }

  get id(): string | undefined {
    return this.view?.id;
  }

  get isReplica(): boolean {
    return this.slotCount === 0 && this.view?.role === 'replica';
  }

  /** It carried out a command that was given then. */
  served(began: number): void {
    this.metrics.served(turnClock.now() - began);
    if (this.downSince !== 0) this.downSince = 0;
  }

  /** The command behind an ASKING, which holds for the very next command on the connection. */
  async sendAsking(command: Command, deadline: number): Promise<Reply> {
    const asking: Command = { key: command.key, args: ['ASKING'] };
    const [allowed, reply] = await this.port.sendAll([asking, command], deadline);
    for (const each of [reply, allowed]) if (each instanceof CacheError) throw each;
    return reply;
  }
}

export function nameOf({ host, port }: NodeAddress): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
