import type { CacheError } from '../errors.js';
import type { Reply } from '../redis/port.js';
import type { Logger } from '../runtime/logger.js';
import { delay } from '../runtime/delay.js';
import { turnClock } from '../runtime/turn-clock.js';
import type { ReadFrom } from './cluster-options.js';
import type { ClusterNode } from './cluster-node.js';
import { SLOT_COUNT } from './slots.js';
import type { Topology } from './topology.js';
import { textOf } from './text-of.js';

export interface ReplicaReadsParts {
  readonly topology: Topology;
  readonly readFrom: Exclude<ReadFrom, 'primary'>;
  /** Milliseconds. */
  readonly maxReplicaLag: number;
  /** Reads of the node's slots go elsewhere from now on: what was learned of their keys proves nothing any more. */
  readonly onSwitched: (primary: ClusterNode) => void;
  readonly logger: Logger;
}

/** How much faster another node must be before reads go there: each change costs the copies in memory. */
const WORTH_CHANGING = 0.7;
/** Weight of the newest answer in the running mean of the latency of a node. */
const LEARNING = 0.2;
/** A replica that fell behind is not read from again for so long, in ms. */
const REST = 10_000;
/** A replica that is asked right behind its primary may need a moment, in ms, for what the primary had just written. */
const A_MOMENT = 3;

/**
 * Sends reads to replicas, and bounds what that costs.
 *
 * How far a replica is behind is asked, not guessed: the primary is asked for its replication offset, and then the replica. One
 * that has reached that offset holds everything that was written before the primary was asked, so its answers are no older than
 * the time since. That is asked three times in `maxReplicaLag`; as soon as the last proof is too old for the next to come in
 * time, reads go to the primary again, and what was read from that replica and kept is dropped.
 *
 * What this process has itself written, or been told of by the primary, it never reads older: a slot is read from a replica
 * only once that is proven to have what happened to the slot here.
 *
 * One replica a primary is read from at a time. With several in turn, values would go back and forth in time.
 */
export class ReplicaReads {
  readonly #parts: ReplicaReadsParts;
  readonly #interval: number;
  /** When a slot was last written from here, by `performance.now()`. */
  readonly #writtenAt = new Float64Array(SLOT_COUNT).fill(-Infinity);
  /** By primary, until when what its replica says includes everything. */
  readonly #provenAt = new Map<ClusterNode, number>();
  readonly #restsUntil = new WeakMap<ClusterNode, number>();
  readonly #latencies = new WeakMap<ClusterNode, number>();
  #tickedAt = performance.now();
  readonly #attended = new Set<ClusterNode>();
  readonly #timer: NodeJS.Timeout;
  #closed = false;

  constructor(parts: ReplicaReadsParts) {
    this.#parts = parts;
    this.#interval = Math.max(1, Math.floor(parts.maxReplicaLag / 3));
    this.#timer = setInterval(() => this.#tick(), this.#interval).unref();
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#timer);
  }

  /** Who is to be asked for a key of the slot. */
  choose(slot: number, owner: ClusterNode): ClusterNode {
    const { readsAt } = owner;
    if (readsAt === owner) return owner;
    const provenAt = this.#provenAt.get(owner) ?? -Infinity;
    if ((this.#writtenAt[slot] as number) >= provenAt) return owner;
    return turnClock.now() - provenAt > this.#longest ? owner : readsAt;
  }

  /** The slot is being written from here, or the write was answered just now, or somebody else wrote it. */
  wrote(slot: number): void {
    this.#writtenAt[slot] = performance.now();
  }

  /** A proof may be as old as leaves time for the next. */
  get #longest(): number {
    return this.#interval * 2;
  }

  #tick(): void {
    const now = performance.now();
    // Where this process itself was held up, nobody could be asked in time, and that is no fault of the replica's.
    const isOurFault = now - this.#tickedAt > this.#interval * 1.5;
    this.#tickedAt = now;
    for (const owner of this.#parts.topology.owners) {
      const provenAt = this.#provenAt.get(owner) ?? -Infinity;
      if (owner.readsAt !== owner && now - provenAt > this.#longest) this.#lapse(owner, isOurFault);
      // One that does not answer must not keep the others waiting.
      if (this.#attended.has(owner)) continue;
      this.#attended.add(owner);
      void this.#attend(owner).finally(() => this.#attended.delete(owner));
    }
  }

  async #attend(owner: ClusterNode): Promise<void> {
    const asked = performance.now();
    const role = await this.#askRole(owner);
    const target = role?.name === 'master' ? role.offset : undefined;
    const current = owner.readsAt;
    if (target === undefined) return;
    const isWatched = (node: ClusterNode): boolean =>
      node === current || this.#parts.readFrom === 'nearest' || current === owner;
    const replicas = this.#parts.topology
      .replicasOf(owner)
      .filter((node) => node.port.state === 'ready' && isWatched(node));
    const caughtUp = await Promise.all(
      replicas.map(async (node) => ((await this.#hasReached(node, target)) ? node : undefined)),
    );
    if (this.#closed) return;
    await this.#decide(
      owner,
      caughtUp.filter((node) => node !== undefined),
      asked,
    );
  }

  async #decide(owner: ClusterNode, replicas: readonly ClusterNode[], asked: number): Promise<void> {
    const now = performance.now();
    const current = owner.readsAt;
    if (replicas.includes(current)) this.#provenAt.set(owner, asked);
    const fit = replicas.filter((node) => (this.#restsUntil.get(node) ?? 0) < now);
    const next = this.#parts.readFrom === 'nearest' ? this.#nearest(owner, fit) : this.#anyOf(current, fit);
    if (next === undefined || next === current) return;
    if (next !== owner && !(await this.#becomeReadable(next))) return;
    this.#provenAt.set(owner, asked);
    this.#switch(owner, next);
  }

  #anyOf(current: ClusterNode, fit: readonly ClusterNode[]): ClusterNode | undefined {
    if (fit.includes(current)) return current;
    return fit[Math.floor(Math.random() * fit.length)];
  }

  #nearest(owner: ClusterNode, fit: readonly ClusterNode[]): ClusterNode {
    const latency = (node: ClusterNode): number => this.#latencies.get(node) ?? Infinity;
    const current = owner.readsAt;
    let best = current;
    for (const node of [owner, ...fit]) if (latency(node) < latency(best)) best = node;
    return latency(best) < latency(current) * WORTH_CHANGING ? best : current;
  }

  #lapse(owner: ClusterNode, isOurFault: boolean): void {
    if (!isOurFault) {
      this.#restsUntil.set(owner.readsAt, performance.now() + REST);
      const { name } = owner.readsAt;
      this.#parts.logger.warn(`${name} is too far behind, or silent: its primary is read instead`);
    }
    this.#switch(owner, owner);
  }

  #switch(owner: ClusterNode, to: ClusterNode): void {
    owner.readsAt = to;
    if (to === owner) this.#provenAt.delete(owner);
    this.#parts.onSwitched(owner);
  }

  /** A replica sends everyone to its primary who has not said that old answers will do. */
  async #becomeReadable(replica: ClusterNode): Promise<boolean> {
    replica.isReadOnly = true;
    const reply = await replica.port
      .send({ key: '', args: ['READONLY'] })
      .catch((error: CacheError) => error);
    return !(reply instanceof Error);
  }

  async #hasReached(node: ClusterNode, offset: number): Promise<boolean> {
    for (let attempt = 0; attempt < 2; attempt++) {
      if (attempt > 0) await delay(A_MOMENT).passed;
      const role = await this.#askRole(node);
      if (role?.name !== 'slave' || role.link !== 'connected') return false;
      if (role.offset >= offset) return true;
    }
    return false;
  }

  async #askRole(
    node: ClusterNode,
  ): Promise<{ readonly name: string; readonly link: string; readonly offset: number } | undefined> {
    const began = performance.now();
    const reply = await node.port.send({ key: '', args: ['ROLE'] }).catch((): Reply => null);
    if (!Array.isArray(reply)) return undefined;
    const took = performance.now() - began;
    const mean = this.#latencies.get(node);
    this.#latencies.set(node, mean === undefined ? took : mean + LEARNING * (took - mean));
    // A primary: name, offset, replicas. A replica: name, host, port of its primary, state of the link, offset.
    const parts = reply as Reply[];
    const name = textOf(parts[0]);
    const offset = Number(name === 'master' ? parts[1] : parts[4]);
    return { name, link: textOf(parts[3]), offset };
  }
}
