import { CacheError } from '../errors.js';
import type { Command, Reply } from '../redis/port.js';
import type { Logger } from '../runtime/logger.js';
import { delay } from '../runtime/delay.js';
import type { ClusterNode } from './cluster-node.js';
import { readView } from './cluster-view.js';
import type { NodeAddress } from './redirection.js';
import type { Topology } from './topology.js';
import { textOf } from './text-of.js';
import { isUnsettled } from './unsettled.js';

/** How many nodes are asked at once: one of them may be cut off from the others and not know it. */
const ASKED_AT_ONCE = 3;
/** As many answers are enough to go on with. */
const ENOUGH = 2;
/** Milliseconds between two rounds at least: redirections come by the hundred, and one round serves them all. */
const SHORTEST_PAUSE = 10;
/** While something is wrong, the next round comes after this long, in ms, and later the longer it lasts. */
const WHEN_TROUBLED = { first: 150, longest: 500 };
/** Every so many pulses the whole view is asked for, whatever a glance shows. */
const WHOLE_EVERY = 15;
/** While the view is unsettled it is asked for again after this part of the time that has lasted: a node can be down for days. */
const PART_OF_UNREST = 0.1;

export interface TopologyWatchParts {
  readonly topology: Topology;
  /** Where to begin, and to begin anew when no node that is known can be reached. */
  readonly seeds: () => readonly NodeAddress[];
  /** Milliseconds between two looks while all is well. */
  readonly pulse: number;
  readonly logger: Logger;
  /** Called at the end of each round. */
  readonly onRound: () => void;
}

/**
 * Keeps the topology true: asks when told that it is not, all the time while a node that serves slots cannot be reached, and
 * else looks now and then whether there was an election.
 *
 * That look is what bounds how long a copy of a value may be served that came from a primary which has been voted out and
 * cannot tell: cut off from its cluster but not from us, it goes on to answer. An election raises the cluster's epoch, which
 * is one small answer of any two nodes. The epoch is raised when the election begins, and what comes of it is known to one
 * node sooner than to another: after the news the whole view is asked for with every pulse until it is settled.
 */
export class TopologyWatch {
  readonly #topology: Topology;
  readonly #parts: TopologyWatchParts;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #lastBegan = -Infinity;
  /** When the last round that has ended began. */
  #upTo = -Infinity;
  #epoch = 0;
  /** Since when there has been something that a later view will tell otherwise. */
  #unsettledSince: number | undefined;
  /** How many nodes the last view had. */
  #nodes = 0;
  #pulses = 0;
  #troubledSince: number | undefined;
  #closed = false;
  /** Why the last node that was asked could not say. */
  failure: CacheError | undefined;

  constructor(parts: TopologyWatchParts) {
    this.#topology = parts.topology;
    this.#parts = parts;
  }

  start(): void {
    this.#openSeeds();
    this.#schedule();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  /** Something contradicts what is known. */
  soon(): void {
    if (this.#unsettledSince !== undefined) this.#unsettledSince = performance.now();
    void this.upTo(performance.now());
  }

  /** Resolves when a round of questions has ended that began then or later, answered or not. Never rejects. */
  async upTo(moment: number): Promise<void> {
    while (this.#upTo < moment && !this.#closed) await (this.#running ??= this.#round());
  }

  async #round(): Promise<void> {
    const sinceLast = performance.now() - this.#lastBegan;
    if (sinceLast < SHORTEST_PAUSE) await delay(SHORTEST_PAUSE - sinceLast).passed;
    const began = (this.#lastBegan = performance.now());
    const ready = this.#ready();
    if (ready.length === 0) this.#openSeeds();
    await this.#askAll(ready.slice(0, ASKED_AT_ONCE));
    this.#upTo = began;
    this.#running = undefined;
    this.#unsettledSince = isUnsettled(this.#topology, this.#epoch)
      ? (this.#unsettledSince ?? began)
      : undefined;
    this.#parts.onRound();
    this.#schedule();
  }

  /**
   * Resolves with the answers that are enough, or when no more will come. Nobody waits for a node that has fallen silent since:
   * callers wait for this round before they are told that theirs does not answer. What it says later counts all the same.
   */
  #askAll(nodes: readonly ClusterNode[]): Promise<void> {
    if (nodes.length === 0) return Promise.resolve();
    return new Promise((resolve) => {
      let answers = 0;
      const awaited = new Set(nodes);
      for (const node of nodes) {
        const over = (): void => {
          stop();
          awaited.delete(node);
          if (awaited.size === 0 || answers >= ENOUGH) resolve();
        };
        const stop = node.port.onStateChange(({ state }) => {
          if (state !== 'ready') over();
        });
        void this.#ask(node).then((answered) => {
          if (answered) answers++;
          over();
        });
      }
    });
  }

  async #ask(node: ClusterNode): Promise<boolean> {
    try {
      const [nodes, slots] = await node.port.sendAll([command('NODES'), command('SLOTS')]);
      if (this.#closed) return false;
      const view = readView(nodes ?? null, slots ?? null, node.address);
      this.#topology.apply(view);
      for (const { epoch } of view.values()) this.#epoch = Math.max(this.#epoch, epoch);
      this.#nodes = view.size;
      this.failure = undefined;
      return true;
    } catch (error) {
      if (!(error instanceof CacheError)) throw error;
      this.failure = error;
      this.#parts.logger.debug(`${node.name} could not say who serves which slot`, { error });
      return false;
    }
  }

  /** Ready nodes in random order. */
  #ready(): ClusterNode[] {
    const nodes = [...this.#topology.nodes].filter(({ port }) => port.state === 'ready');
    return nodes
      .map((node) => ({ node, at: Math.random() }))
      .sort((a, b) => a.at - b.at)
      .map(({ node }) => node);
  }

  #openSeeds(): void {
    for (const seed of this.#parts.seeds()) this.#topology.at(seed);
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    if (this.#closed) return;
    this.#timer = setTimeout(() => this.#pulse(), this.#pause()).unref();
  }

  #pause(): number {
    if (!this.#isTroubled()) {
      this.#troubledSince = undefined;
      return this.#parts.pulse;
    }
    this.#troubledSince ??= performance.now();
    const lasted = performance.now() - this.#troubledSince;
    const pause = Math.min(WHEN_TROUBLED.longest, WHEN_TROUBLED.first + lasted / 100);
    return Math.min(this.#parts.pulse, pause * (0.75 + Math.random() / 2));
  }

  #isTroubled(): boolean {
    const topology = this.#topology;
    if (!topology.known || topology.uncovered > 0) return true;
    return topology.owners.some(({ port, downSince }) => port.state !== 'ready' || downSince > 0);
  }

  #pulse(): void {
    this.#pulses++;
    if (this.#isTroubled() || this.#isWholeDue()) void this.upTo(performance.now());
    else void this.#look().finally(() => this.#schedule());
  }

  #isWholeDue(): boolean {
    if (this.#pulses % WHOLE_EVERY === 0) return true;
    if (this.#unsettledSince === undefined) return false;
    const now = performance.now();
    return now - this.#lastBegan >= (now - this.#unsettledSince) * PART_OF_UNREST;
  }

  async #look(): Promise<void> {
    const seen = await Promise.all(this.#ready().slice(0, ENOUGH).map(glance));
    const isNews = seen.some(
      ({ epoch, nodes }) => epoch > this.#epoch || (nodes > 0 && nodes !== this.#nodes),
    );
    this.#epoch = Math.max(this.#epoch, ...seen.map(({ epoch }) => epoch));
    if (isNews) this.soon();
  }
}

function command(name: string): Command {
  return { key: '', args: ['CLUSTER', name] };
}

/** What is cheap to ask and shows that a view is out of date. Zeros where there is no answer. */
async function glance({ port }: ClusterNode): Promise<{ readonly epoch: number; readonly nodes: number }> {
  const info: Reply = await port.send(command('INFO')).catch(() => '');
  const field = (name: string): number =>
    Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(textOf(info))?.[1] ?? 0);
  return { epoch: field('cluster_current_epoch'), nodes: field('cluster_known_nodes') };
}
