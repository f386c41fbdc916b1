import {
  AuthenticationError,
  CacheError,
  ClosedError,
  ConnectionError,
  OverloadedError,
  ServerError,
} from '../errors.js';
import { hashTag } from '../redis/hash-tag.js';
import { combinedState } from '../redis/combined-state.js';
import type { Driver, Tracking } from '../redis/connection.js';
import type { PoolSettings } from '../redis/options.js';
import type {
  Command,
  KeyPart,
  Layout,
  PortState,
  Reader,
  Receiver,
  RedisPort,
  Reply,
  StateChange,
} from '../redis/port.js';
import { Replies } from '../redis/replies.js';
import { ServerClock } from '../redis/server-clock.js';
import { settled, SingleServerPort } from '../redis/single-server-port.js';
import { isHopeless } from '../redis/until-ready.js';
import type { Logger } from '../runtime/logger.js';
import { delay } from '../runtime/delay.js';
import { turnClock } from '../runtime/turn-clock.js';
import { ClusterNode } from './cluster-node.js';
import { askOwnView } from './cluster-view.js';
import { NodeReads } from './node-reads.js';
import type { ReadFrom } from './cluster-options.js';
import type { NodeAddress } from './redirection.js';
import { ReplicaReads } from './replica-reads.js';
import { isRead, Redirects, type Attempt } from './redirects.js';
import { slotOf } from './slots.js';
import { TopologyWatch } from './topology-watch.js';
import { Topology } from './topology.js';

export interface ClusterSettings {
  readonly pool: PoolSettings;
  /** Where to begin. Asked anew when no known node can be reached. */
  readonly seeds: () => readonly NodeAddress[];
  /** For messages. */
  readonly address: string;
  readonly openDriver: (address: NodeAddress) => Driver;
  /** Where clients reach what the cluster calls by this address. */
  readonly translate: (address: NodeAddress) => NodeAddress;
  /** How many times one command is sent on. */
  readonly maxRedirects: number;
  /** Milliseconds; for those who watch the nodes. */
  readonly healthCheckInterval: number;
  readonly readFrom: ReadFrom;
  /** Milliseconds. */
  readonly maxReplicaLag: number;
  readonly tracking: Tracking | undefined;
  readonly logger: Logger;
}

/**
 * `RedisPort` over a Redis Cluster: each key's commands go to the node that serves its slot, over one connection a node, and
 * from there to wherever the cluster sends them (`Redirects`). Who serves what is in `Topology`, kept true by `TopologyWatch`.
 *
 * Nodes fail one by one. While some that serve slots cannot be reached the port is `degraded`: commands for their keys fail at
 * once, and the others are sent. What is told of connections (`onStateChange`) is told of each by itself, with the keys that it
 * concerns.
 */
export class ClusterPort implements RedisPort {
  readonly address: string;
  readonly tracking: boolean;
  readonly failsOver = true;
  readonly topology: Topology;
  readonly #settings: ClusterSettings;
  readonly #watch: TopologyWatch;
  readonly #redirects: Redirects;
  readonly #replicas: ReplicaReads | undefined;
  readonly #changeListeners: Array<(key: string | null, part?: KeyPart) => void> = [];
  readonly #lagListeners: Array<(milliseconds: number) => void> = [];
  readonly healthCheckInterval: number;
  readonly #topologyListeners = new Set<() => void>();
  readonly #stateListeners = new Set<(change: StateChange) => void>();
  readonly #waiting = new Set<() => void>();
  #state: PortState = 'connecting';
  #clockOffset: number | undefined;
  /** Those of this turn of the event loop. */
  readonly #turnReads = new Map<ClusterNode, NodeReads>();
  readonly #endTurn = (): void => this.#turnReads.clear();
  readonly #openedAt = performance.now();

  constructor(settings: ClusterSettings) {
    this.address = settings.address;
    this.tracking = settings.tracking !== undefined;
    this.healthCheckInterval = settings.healthCheckInterval;
    this.#settings = settings;
    this.topology = new Topology({
      open: (address) => this.#open(address),
      close: (node) => void node.port.close(),
      onMoved: (slots, isPromotion) => this.#slotsMoved(slots, isPromotion),
      translate: settings.translate,
    });
    const { topology } = this;
    const pulse = settings.pool.heartbeatInterval;
    this.#watch = new TopologyWatch({
      topology,
      seeds: settings.seeds,
      pulse,
      logger: settings.logger,
      onRound: () => this.#roundEnded(),
    });
    this.#redirects = new Redirects({
      topology,
      watch: this.#watch,
      maxRedirects: settings.maxRedirects,
      ownerOf: (key) => topology.owner(slotOf(key)),
    });
    const { readFrom, maxReplicaLag, logger } = settings;
    const onSwitched = (primary: ClusterNode): void => this.#slotsMoved(topology.slotsOf(primary), false);
    if (readFrom !== 'primary') {
      this.#replicas = new ReplicaReads({ topology, readFrom, maxReplicaLag, onSwitched, logger });
    }
    this.#watch.start();
  }

  get state(): PortState {
    return this.#state;
  }

  get servers(): readonly RedisPort[] {
    return this.topology.owners.map(({ port }) => port);
  }

  async layout(): Promise<Layout> {
    await this.#watch.upTo(performance.now());
    const own = await Promise.all(this.topology.owners.map((node) => askOwnView(node)));
    return {
      version: own
        .map(({ id, slots }) => `${id}:${slots.join(' ')}`)
        .sort()
        .join('\n'),
      // Every node tells of its own slots alone that they are on their way.
      isMoving: own.some(({ moving }) => moving),
    };
  }

  async connect(): Promise<void> {
    const { connectTimeout } = this.#settings.pool;
    const until = performance.now() + connectTimeout;
    await this.#firstView(until);
    for (;;) {
      const { version } = this.topology;
      const outcomes = await Promise.allSettled(this.topology.owners.map(({ port }) => port.connect()));
      const failed = outcomes.find((outcome) => outcome.status === 'rejected');
      if (!failed) return;
      if (this.#state === 'closed') throw closed();
      if (isHopeless(failed.reason as CacheError) || performance.now() > until) throw failed.reason;
      await this.#watch.upTo(performance.now());
      if (this.topology.version === version) throw failed.reason;
    }
  }

  get(key: string, deadline?: number): Promise<Buffer | null> {
    if (deadline !== undefined)
      return this.send({ key, args: ['GET', key] }, deadline) as Promise<Buffer | null>;
    return new Promise((received, failed) => this.readTo(key, { received, failed }, 0, undefined));
  }

  readTo(key: string, reader: Reader, slot: number, source: object | undefined): void {
    const keySlot = slotOf(key);
    const owner = this.topology.owner(keySlot);
    const node = owner && this.#replicas ? this.#replicas.choose(keySlot, owner) : owner;
    if (node) this.#readsOf(node).read(key, reader, slot, source);
    else this.sendTo({ key, args: ['GET', key] }, reader, slot);
  }

  getMany(keys: readonly string[], deadline?: number): Promise<Array<Buffer | null | CacheError>> {
    return Replies.of<Buffer | null>(keys.length, (answers) => {
      for (const [slot, key] of keys.entries()) {
        if (deadline === undefined) this.readTo(key, answers, slot, undefined);
        else this.#sendTo({ key, args: ['GET', key] }, answers, slot, deadline);
      }
    });
  }

  sendTo(command: Command, receiver: Receiver<Reply>, slot: number): void {
    this.#sendTo(command, receiver, slot);
  }

  async send(command: Command, deadline?: number): Promise<Reply> {
    const began = turnClock.now();
    const until = deadline ?? began + this.#timeout;
    const node = this.topology.owner(slotOf(command.key)) ?? (await this.#ownerOnceKnown(command.key, until));
    try {
      const reply = await node.port.send(command, deadline);
      node.served(began);
      return reply;
    } catch (error) {
      return await this.#redirects.follow({ command, node, error: error as CacheError }, until);
    } finally {
      this.#noteWrite(command);
    }
  }

  async sendAll(commands: readonly Command[], deadline?: number): Promise<Array<Reply | CacheError>> {
    const outcomes = await this.#sendAll(commands, deadline);
    if (this.#replicas) for (const command of commands) this.#noteWrite(command);
    return outcomes;
  }

  async #sendAll(commands: readonly Command[], deadline?: number): Promise<Array<Reply | CacheError>> {
    const began = turnClock.now();
    const until = deadline ?? began + this.#timeout;
    if (!this.topology.known) {
      const failure = await settled(this.#untilKnown(until));
      if (failure) return commands.map(() => failure);
    }
    const nodes = commands.map(({ key }) => this.topology.owner(slotOf(key)));
    const outcomes = await Promise.all(
      commands.map((command, i) => settled(nodes[i]?.port.send(command, deadline) ?? noOwner())),
    );
    const failed: number[] = [];
    const failedKeys = new Set<string>();
    for (const [i, command] of commands.entries()) {
      if (outcomes[i] instanceof CacheError) {
        if (nodes[i]) failed.push(i);
        failedKeys.add(command.key);
      } else {
        nodes[i]?.served(began);
        // What was read behind a command that did not come about is asked again, so as to be behind it.
        if (failedKeys.has(command.key) && isRead(command)) failed.push(i);
      }
    }
    if (failed.length === 0) return outcomes;
    const attempts = failed.map((i): Attempt => {
      const [command, node, outcome] = [commands[i] as Command, nodes[i] as ClusterNode, outcomes[i]];
      return { command, node, error: outcome instanceof CacheError ? outcome : undefined };
    });
    const followed = await this.#redirects.followAll(attempts, until);
    for (const [n, i] of failed.entries()) outcomes[i] = followed[n];
    return outcomes;
  }

  deadline(): number {
    return performance.now() + this.#timeout;
  }

  /** By the clock of the node that is furthest behind: ahead of none of them. */
  serverNow(): number {
    if (this.#clockOffset === undefined) return Date.now();
    return Math.floor(this.#clockOffset + performance.now());
  }

  onStateChange(listener: (change: StateChange) => void): () => void {
    this.#stateListeners.add(listener);
    return () => void this.#stateListeners.delete(listener);
  }

  /** Called whenever nodes have told of the cluster. Returns what ends that. */
  onTopology(listener: () => void): () => void {
    this.#topologyListeners.add(listener);
    return () => void this.#topologyListeners.delete(listener);
  }

  onInvalidate(listener: (key: string | null, part?: KeyPart) => void): void {
    this.#changeListeners.push(listener);
  }

  onLag(listener: (milliseconds: number) => void): void {
    this.#lagListeners.push(listener);
  }

  lastHeard(): number {
    return Math.min(...this.topology.owners.map(({ port }) => port.lastHeard()));
  }

  async close(): Promise<void> {
    if (this.#state === 'closed') return;
    this.#watch.close();
    this.#replicas?.close();
    await Promise.all([...this.topology.nodes].map(({ port }) => port.close()));
    const previous = this.#state;
    this.#state = 'closed';
    this.#wake();
    this.#tell({ state: 'closed', previous, renewed: false, cause: closed() });
    this.#stateListeners.clear();
  }

  #noteWrite(command: Command): void {
    if (this.#replicas && !isRead(command)) this.#replicas.wrote(slotOf(command.key));
  }

  get #timeout(): number {
    return this.#settings.pool.commandTimeout;
  }

  #open(address: NodeAddress): ClusterNode {
    const { openDriver, pool, tracking } = this.#settings;
    const clock = new ServerClock(() => this.#clockHeard());
    const settings = { ...pool, connections: 1, togetherBy: hashTag };
    const port = new SingleServerPort(openDriver(address), settings, tracking, clock);
    const node = new ClusterNode(address, port, clock, (at, key) => this.topology.isReadAt(at, slotOf(key)));
    port.onStateChange((change) => this.#nodeChanged(node, change));
    port.onInvalidate((key) => {
      // What a primary tells of, its replica may not have yet.
      if (key !== null && node.slotCount > 0) this.#replicas?.wrote(slotOf(key));
      for (const listener of this.#changeListeners) listener(key, key === null ? node.part : undefined);
    });
    port.onLag((milliseconds) => {
      // What a replica tells matters to those who read there.
      if (!node.isReplica || this.#replicas) for (const tell of this.#lagListeners) tell(milliseconds);
    });
    return node;
  }

  #nodeChanged(node: ClusterNode, change: StateChange): void {
    if (change.state === 'closed' || this.#state === 'closed') return;
    if (change.renewed && node.isReadOnly) this.#setReadOnly(node, node.slotCount === 0);
    if (change.state === 'ready') node.downSince = 0;
    else if (change.state !== change.previous) node.lostAt = performance.now();
    // A node that comes may know more than is known here, and one that goes leaves the question who serves its slots.
    if (change.state !== change.previous) this.#watch.soon();
    this.#tell({ ...change, part: node.part });
    this.#update();
  }

  #slotsMoved(slots: ReadonlySet<number>, replaced: boolean): void {
    this.#update();
    // Voted out later, it would otherwise go on to answer for its successor.
    for (const node of this.topology.owners) if (node.isReadOnly) this.#setReadOnly(node, false);
    if (this.topology.version > 1)
      this.#settings.logger.info(`${slots.size} slots have moved to other nodes`);
    const part: KeyPart = {
      name: this.address,
      has: (redisKey) => slots.has(slotOf(redisKey)),
      lastHeard: () => this.lastHeard(),
    };
    this.#tell({
      state: this.#state,
      previous: this.#state,
      renewed: true,
      replaced,
      cause: undefined,
      part,
    });
  }

  #roundEnded(): void {
    this.#update();
    for (const listener of this.#topologyListeners) listener();
  }

  /** In order with the reads behind it. Where it fails, so do they. */
  #setReadOnly(node: ClusterNode, isReadOnly: boolean): void {
    node.isReadOnly = isReadOnly;
    void settled(node.port.send({ key: '', args: [isReadOnly ? 'READONLY' : 'READWRITE'] }));
  }

  #update(): void {
    if (this.#state === 'closed') return;
    const { known, owners, nodes } = this.topology;
    if (known) this.#state = combinedState(owners.map(({ port }) => port.state));
    else {
      const states = new Set([...nodes].map(({ port }) => port.state));
      const isEarly =
        states.size === 0 && performance.now() - this.#openedAt < this.#settings.pool.connectTimeout;
      const isUnderWay = isEarly || states.has('ready') || states.has('connecting');
      this.#state = isUnderWay ? 'connecting' : 'lost';
    }
    if (this.topology.known || this.#state !== 'connecting') this.#wake();
  }

  #tell(change: StateChange): void {
    for (const listener of this.#stateListeners) listener(change);
  }

  #clockHeard(): void {
    const offsets = [...this.topology.nodes].flatMap(({ clock }) => clock.offset ?? []);
    this.#clockOffset = offsets.length === 0 ? undefined : Math.min(...offsets);
  }

  #wake(): void {
    for (const go of this.#waiting) go();
  }

  #sendTo(command: Command, receiver: Receiver<Reply>, slot: number, deadline?: number): void {
    this.send(command, deadline).then(
      (reply) => receiver.received(reply, slot),
      (error: unknown) => receiver.failed(error as CacheError, slot),
    );
  }

  #readsOf(node: ClusterNode): NodeReads {
    if (this.#turnReads.size === 0) setImmediate(this.#endTurn);
    let reads = this.#turnReads.get(node);
    if (!reads) this.#turnReads.set(node, (reads = new NodeReads(node, this.#redirects, this.#timeout)));
    return reads;
  }

  async #ownerOnceKnown(key: string, until: number): Promise<ClusterNode> {
    if (!this.topology.known) await this.#untilKnown(until);
    const owner = this.topology.owner(slotOf(key));
    return owner ?? noOwner();
  }

  /** Resolves when the first view has come; rejects when it cannot be had at the moment, or not by then. */
  #untilKnown(until: number): Promise<undefined> {
    if (this.topology.known) return Promise.resolve(undefined);
    if (this.#state !== 'connecting') return Promise.reject(this.#refusal());
    if (this.#waiting.size >= this.#settings.pool.maxInFlight) {
      return Promise.reject(
        new OverloadedError(`${this.#waiting.size} commands already wait for the first connection`),
      );
    }
    return new Promise((resolve, reject) => {
      const go = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(go);
        if (this.topology.known) resolve(undefined);
        else reject(this.#refusal());
      };
      const timer = setTimeout(go, Math.max(0, until - performance.now()));
      this.#waiting.add(go);
    });
  }

  /** As `connect` waits for it: through failed attempts, as many as are allowed. */
  async #firstView(until: number): Promise<void> {
    while (!this.topology.known) {
      const seeds = [...this.topology.nodes];
      const reached = await Promise.any(seeds.map(({ port }) => port.connect())).then(
        () => undefined,
        (error: unknown) => (error as AggregateError).errors[0] as CacheError | undefined,
      );
      await this.#watch.upTo(performance.now());
      if (this.#state === 'closed') throw closed();
      if (this.topology.known) return;
      if (reached) throw reached;
      // It was reached, and is no node of a cluster, or may not be asked about it.
      if (isAnswer(this.#watch.failure)) throw this.#watch.failure;
      if (performance.now() > until) throw this.#refusal();
      // The application's client may not know any node yet.
      if (seeds.length === 0) await delay(20).passed;
    }
  }

  #refusal(): CacheError {
    if (this.#state === 'closed') return closed();
    return new ConnectionError(
      `no node of the Redis Cluster at ${this.address} has said who serves which slot`,
      {
        sent: false,
      },
    );
  }
}

function noOwner(): Promise<never> {
  return Promise.reject(
    new ConnectionError('no node of the Redis Cluster serves the slot of this key', { sent: false }),
  );
}

function isAnswer(error: CacheError | undefined): boolean {
  return error instanceof ServerError || error instanceof AuthenticationError;
}

function closed(): ClosedError {
  return new ClosedError('the cache was closed');
}
