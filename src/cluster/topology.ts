import { nameOf, type ClusterNode } from './cluster-node.js';
import type { ClusterView, NodeView } from './cluster-view.js';
import type { NodeAddress } from './redirection.js';
import { SLOT_COUNT } from './slots.js';

/** What a redirection is worth beyond the claim it contradicts, and less than any later claim. */
const HEARSAY = 0.5;
/** A node that only a redirection named is kept this long, in ms, for the cluster to confirm it. */
const UNCONFIRMED = 5000;

export interface TopologyParts {
  /** Makes a node and begins to connect to it. */
  readonly open: (address: NodeAddress) => ClusterNode;
  /** Lets go of a node that is no longer part of the cluster. */
  readonly close: (node: ClusterNode) => void;
  /**
   * These slots are served by another node than before: what was learned of their keys proves nothing any more. After a
   * promotion, what was confirmed lately may be missing there, too: replication does not wait.
   */
  readonly onMoved: (slots: ReadonlySet<number>, isPromotion: boolean) => void;
  /** Where clients reach what the cluster calls by this address. */
  readonly translate: (address: NodeAddress) => NodeAddress;
}

/**
 * Which node serves which slot, as far as this process knows.
 *
 * Nodes disagree for a while: one that was stopped, or cut off, still believes what was true before. So answers are not
 * believed for being the latest. Every claim to a slot has the epoch of its claimant, and of two claims the higher one
 * holds, which is the cluster's own rule ("Hash slots configuration propagation" in its specification); an old view so never
 * takes a slot back from a new primary. A redirection, which has no epoch, holds until a later claim.
 */
export class Topology {
  readonly #parts: TopologyParts;
  readonly #owners = Array.from<ClusterNode | undefined>({ length: SLOT_COUNT });
  readonly #epochs = new Float64Array(SLOT_COUNT);
  readonly #nodes = new Map<string, ClusterNode>();
  readonly #byId = new Map<string, ClusterNode>();
  readonly #addedAt = new Map<ClusterNode, number>();
  /** Where keys of a slot on its way have been found by ASK. */
  readonly #asked = new Map<number, ClusterNode>();
  #known = false;
  #version = 0;

  constructor(parts: TopologyParts) {
    this.#parts = parts;
  }

  /** Whether any view has come yet. */
  get known(): boolean {
    return this.#known;
  }

  /** Counts the changes of who serves what. */
  get version(): number {
    return this.#version;
  }

  get nodes(): IterableIterator<ClusterNode> {
    return this.#nodes.values();
  }

  /** The nodes that serve slots. */
  get owners(): ClusterNode[] {
    return [...this.#nodes.values()].filter(({ slotCount }) => slotCount > 0);
  }

  /** How many slots nobody serves. */
  get uncovered(): number {
    return this.owners.reduce((left, { slotCount }) => left - slotCount, SLOT_COUNT);
  }

  owner(slot: number): ClusterNode | undefined {
    return this.#owners[slot];
  }

  byId(id: string | undefined): ClusterNode | undefined {
    return id === undefined ? undefined : this.#byId.get(id);
  }

  /** Those that follow the node and are no wrecks, by what the cluster last said. */
  replicasOf(primary: ClusterNode): ClusterNode[] {
    return [...this.#nodes.values()].filter(
      ({ view }) => view?.role === 'replica' && view.primaryId === primary.id && !view.flags.includes('fail'),
    );
  }

  /** Whether keys of the slot may have been read on this node: as its owner, as the owner's replica, or by ASK. */
  isReadAt(node: ClusterNode, slot: number): boolean {
    const owner = this.#owners[slot];
    return owner === node || owner?.readsAt === node || this.#asked.get(slot) === node;
  }

  /** The slots that the node serves. */
  slotsOf(node: ClusterNode): Set<number> {
    const slots = new Set<number>();
    for (const [slot, owner] of this.#owners.entries()) if (owner === node) slots.add(slot);
    return slots;
  }

  at(address: NodeAddress): ClusterNode {
    const here = this.#parts.translate(address);
    const name = nameOf(here);
    let node = this.#nodes.get(name);
    if (node === undefined) {
      node = this.#parts.open(here);
      this.#nodes.set(name, node);
      this.#addedAt.set(node, performance.now());
    }
    return node;
  }

  /** Takes in what a node has told. */
  apply(view: ClusterView): void {
    const moved = new Set<number>();
    const primaries = new Set(this.#byId.values());
    for (const node of primaries) if (node.view?.role !== 'primary') primaries.delete(node);
    for (const each of view.values()) {
      if (each.address === undefined || each.flags.includes('handshake')) continue;
      const node = this.at(each.address);
      // An old view says old things of a node, too.
      if (node.view === undefined || node.view.id !== each.id || each.epoch >= node.view.epoch) {
        this.#describe(node, each);
      }
    }
    for (const each of view.values()) {
      const claimant = this.#byId.get(each.id);
      if (each.role === 'primary' && claimant) this.#claim(claimant, each, view, moved);
    }
    const isFirst = !this.#known;
    this.#known = true;
    this.#sweep(view);
    // Whoever was a primary before has got its slots by migration, which loses nothing.
    this.#tell(
      moved,
      !isFirst && [...moved].some((slot) => !primaries.has(this.#owners[slot] as ClusterNode)),
    );
  }

  /** The node has answered that the slot is served by another one. */
  moved(slot: number, to: ClusterNode, from: ClusterNode): void {
    const owner = this.#owners[slot];
    if (owner === to) return;
    const moved = new Set<number>();
    // A replica serves nothing of its primary's but all of it: one redirection tells of the whole failover.
    const isFailover = owner === from && to.view?.role === 'replica' && to.view.primaryId === from.id;
    for (let each = isFailover ? 0 : slot; each < (isFailover ? SLOT_COUNT : slot + 1); each++) {
      if (!isFailover || this.#owners[each] === from) {
        this.#give(each, to, (this.#epochs[each] ?? 0) + HEARSAY, moved);
      }
    }
    this.#tell(moved, to.view?.role !== 'primary');
  }

  /** A key of the slot is with this node, which does not have the slot yet. */
  asked(slot: number, to: ClusterNode): void {
    this.#asked.set(slot, to);
  }

  #describe(node: ClusterNode, view: NodeView): void {
    const before = this.#byId.get(view.id);
    // It has another address now, or another node has its address.
    if (before !== node) this.#byId.set(view.id, node);
    if (node.id !== undefined && node.id !== view.id && this.#byId.get(node.id) === node) {
      this.#byId.delete(node.id);
    }
    node.view = view;
  }

  #claim(claimant: ClusterNode, { slots, epoch }: NodeView, view: ClusterView, moved: Set<number>): void {
    for (const [from, to] of slots) {
      for (let slot = from; slot <= to && slot < SLOT_COUNT; slot++) {
        const owner = this.#owners[slot];
        const held = this.#epochs[slot] ?? 0;
        if (owner === claimant) {
          if (epoch > held) this.#epochs[slot] = epoch;
          continue;
        }
        // Where the owner is nobody the others know, as after a reset of the cluster, its epoch means nothing.
        const isForgotten = owner?.id !== undefined && !view.has(owner.id);
        if (owner === undefined || epoch >= held || isForgotten) this.#give(slot, claimant, epoch, moved);
      }
    }
  }

  #give(slot: number, to: ClusterNode, epoch: number, moved: Set<number>): void {
    const before = this.#owners[slot];
    if (before) before.slotCount--;
    to.slotCount++;
    this.#owners[slot] = to;
    this.#epochs[slot] = epoch;
    this.#asked.delete(slot);
    moved.add(slot);
  }

  /** Nodes that are no longer there, and serve nothing. */
  #sweep(view: ClusterView): void {
    for (const [name, node] of this.#nodes) {
      const isListed = node.id !== undefined && view.has(node.id) && this.#byId.get(node.id) === node;
      if (isListed || node.slotCount > 0) continue;
      const age = performance.now() - (this.#addedAt.get(node) ?? 0);
      if (node.view === undefined && age < UNCONFIRMED && this.#version > 0) continue;
      this.#nodes.delete(name);
      this.#addedAt.delete(node);
      if (node.id !== undefined && this.#byId.get(node.id) === node) this.#byId.delete(node.id);
      for (const [slot, at] of this.#asked) if (at === node) this.#asked.delete(slot);
      this.#parts.close(node);
    }
  }

  #tell(moved: ReadonlySet<number>, isPromotion: boolean): void {
    if (moved.size === 0) return;
    this.#version++;
    this.#parts.onMoved(moved, isPromotion);
  }
}
