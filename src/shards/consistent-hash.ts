import { InvalidOptionError } from '../errors.js';
import { describeValue, positiveInteger, rejectUnknownOptions } from '../validate.js';
import { murmur3 } from './murmur3.js';

export interface ConsistentHashOptions {
  /**
   * Points that a node of weight 1 has on the ring, from 1 to 65,536; default 8192. The shares of equal nodes differ from their
   * mean by about 1 / √virtualNodes. Of ten nodes the one that is furthest off is off by 2 % with the default, by 14 % with
   * 160, and with 3 by 100 %: it has twice its share (medians over many rings, from test/unit/shards/balance.test.ts).
   */
  readonly virtualNodes?: number;
  /**
   * A text to a whole number from 0 to 2^32 - 1, spread evenly; of points and of keys. Default MurmurHash3 (x86, 32 bits, seed 0)
   * of the UTF-8 bytes.
   */
  readonly hash?: (text: string) => number;
}

/** A node's name alone, of weight 1, or with its weight. */
export type WeightedNode = string | readonly [name: string, weight: number];

const DEFAULT_VIRTUAL_NODES = 8192;
const MOST_VIRTUAL_NODES = 65_536;
/** All points together: about 150 MB with what it takes to sort them. */
const MOST_POINTS = 2 ** 23;
/** Points are sorted as one number with their node, and 32 + 20 bits fit into a double. */
const NODE_RANGE = 2 ** 20;
const HASH_RANGE = 2 ** 32;

/** The points of all nodes in order, and the node of each. */
interface Ring {
  readonly points: Uint32Array;
  readonly owners: Uint32Array;
  readonly names: readonly string[];
}

/**
 * Places keys on nodes so that few move when a node comes or goes: consistent hashing (Karger et al., 1997) with virtual nodes.
 *
 * A node has a number of points on a ring of 2^32, at `hash(name + '#' + i)`; a key belongs to the node of the first point at
 * or behind `hash(key)`. So the keys of a node that goes are spread over all others and no other key moves; one that comes
 * takes its share from all of them, and again no other key moves: one of n equal nodes is about 1/n of the keys. Where two
 * nodes have the same point, the name that sorts first has it. The place of a key depends on nothing but the names, their
 * weights, `virtualNodes` and the hash: it is the same in every process, whatever the order in which nodes came.
 *
 * A look-up is one hash and one binary search. The ring is put in order by the first look-up after a change, which takes
 * milliseconds; where nodes come one after the other, that is done once.
 *
 * @example
 * const ring = new ConsistentHash(['a', 'b', ['c', 2]]) // c has twice the keys of a
 * ring.get('user:42')         // 'c'
 * ring.nodesFor('user:42', 2) // ['c', 'a']: where a second copy belongs
 */
export class ConsistentHash {
  readonly #virtualNodes: number;
  readonly #hash: (text: string) => number;
  readonly #weights = new Map<string, number>();
  #ring: Ring | undefined;

  /** @throws InvalidOptionError for a wrong option, name or weight, and for a name that is there twice. */
  constructor(nodes: Iterable<WeightedNode> = [], options: ConsistentHashOptions = {}) {
    rejectUnknownOptions(options, ['virtualNodes', 'hash'], 'ConsistentHash');
    this.#virtualNodes = positiveInteger(options.virtualNodes ?? DEFAULT_VIRTUAL_NODES, 'virtualNodes', {
      max: MOST_VIRTUAL_NODES,
    });
    this.#hash = checkedHash(options.hash ?? murmur3);
    for (const node of listOf(nodes)) {
      const [name, weight] = typeof node === 'string' ? [node] : node;
      if (this.#weights.has(name)) {
        throw new InvalidOptionError(`ConsistentHash: the node ${describeValue(name)} is there twice`);
      }
      this.add(name, weight);
    }
  }

  /** The names, in the order in which they came. */
  get nodes(): readonly string[] {
    return [...this.#weights.keys()];
  }

  /**
   * A node more; of one that is there, its weight is changed, which moves no keys but to or from it.
   *
   * @param weight - above 0; a node of weight 2 has twice the points of one of weight 1, the default. Never less than one point.
   * @throws InvalidOptionError for a wrong name or weight, and where there would be more than 8,388,608 points in all.
   */
  add(node: string, weight = 1): void {
    if (typeof node !== 'string' || node === '' || !node.isWellFormed()) {
      throw new InvalidOptionError(
        `add: expected a non-empty, well-formed string as the name of a node, got ${describeValue(node)}`,
      );
    }
    if (typeof weight !== 'number' || !(weight > 0) || weight === Infinity) {
      throw new InvalidOptionError(
        `add: expected a weight above 0 for the node ${describeValue(node)}, got ${describeValue(weight)}`,
      );
    }
    let points = this.#pointsOf(weight);
    for (const [name, other] of this.#weights) if (name !== node) points += this.#pointsOf(other);
    if (points > MOST_POINTS) {
      throw new InvalidOptionError(
        `add: with the node ${describeValue(node)} of weight ${weight} the ring would have ${points} points; ` +
          `${MOST_POINTS} are allowed: lower virtualNodes (${this.#virtualNodes}) or the weights`,
      );
    }
    this.#weights.set(node, weight);
    this.#ring = undefined;
  }

  /** Whether the node was there. */
  remove(node: string): boolean {
    const was = this.#weights.delete(node);
    if (was) this.#ring = undefined;
    return was;
  }

  /** The node of a key; undefined where there are no nodes. */
  get(key: string): string | undefined {
    const ring = (this.#ring ??= this.#build());
    return ring.names[ring.owners[this.#find(ring, key)] ?? -1];
  }

  /**
   * The first `count` different nodes from the key's place on, which begin with that of {@link get}: where the key would
   * belong if the first went, and so on. All of them where there are fewer.
   *
   * @throws InvalidOptionError for a count that is not a whole number of at least 1.
   */
  nodesFor(key: string, count: number): string[] {
    positiveInteger(count, 'count');
    const ring = (this.#ring ??= this.#build());
    const wanted = Math.min(count, ring.names.length);
    const found = new Set<string>();
    for (
      let at = this.#find(ring, key);
      found.size < wanted;
      at = at + 1 === ring.owners.length ? 0 : at + 1
    ) {
      found.add(ring.names[ring.owners[at] ?? -1] ?? '');
    }
    return [...found];
  }

  /** Which part of all possible keys belongs to each node, from 0 to 1, exactly: how even the ring is. */
  shares(): Map<string, number> {
    const { points, owners, names } = (this.#ring ??= this.#build());
    const shares = new Map(names.map((name) => [name, 0]));
    let previous = (points.at(-1) ?? 0) - HASH_RANGE;
    for (const [i, point] of points.entries()) {
      const name = names[owners[i] ?? -1] ?? '';
      shares.set(name, (shares.get(name) ?? 0) + (point - previous) / HASH_RANGE);
      previous = point;
    }
    return shares;
  }

  /** Where the first point at or behind the key's hash stands. */
  #find({ points }: Ring, key: string): number {
    const hash = this.#hash(key) >>> 0;
    let low = 0;
    let high = points.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((points[middle] as number) < hash) low = middle + 1;
      else high = middle;
    }
    return low === points.length ? 0 : low;
  }

  #pointsOf(weight: number): number {
    return Math.max(1, Math.round(weight * this.#virtualNodes));
  }

  #build(): Ring {
    const names = [...this.#weights.keys()].sort();
    let total = 0;
    for (const weight of this.#weights.values()) total += this.#pointsOf(weight);
    const pairs = new Float64Array(total);
    let next = 0;
    for (const [index, name] of names.entries()) {
      const count = this.#pointsOf(this.#weights.get(name) ?? 1);
      for (let i = 0; i < count; i++) {
        pairs[next++] = (this.#hash(`${name}#${i}`) >>> 0) * NODE_RANGE + index;
      }
    }
    pairs.sort();
    const points = new Uint32Array(total);
    const owners = new Uint32Array(total);
    for (const [i, pair] of pairs.entries()) {
      points[i] = Math.floor(pair / NODE_RANGE);
      owners[i] = pair % NODE_RANGE;
    }
    return { points, owners, names };
  }
}

function listOf(nodes: Iterable<WeightedNode>): Iterable<WeightedNode> {
  const given: unknown = nodes;
  if (typeof given === 'object' && given !== null && Symbol.iterator in given) return nodes;
  throw new InvalidOptionError(
    `ConsistentHash: expected a list of nodes, got ${describeValue(given)}; options are the second argument`,
  );
}

function checkedHash(hash: (text: string) => number): (text: string) => number {
  const sample: unknown = typeof hash === 'function' ? hash('a') : hash;
  if (typeof sample === 'number' && Number.isInteger(sample) && sample >= 0 && sample < HASH_RANGE)
    return hash;
  throw new InvalidOptionError(
    `hash: expected a function that answers a whole number from 0 to 2^32 - 1, got ${
      typeof hash === 'function' ? `one that answers ${describeValue(sample)}` : describeValue(hash)
    }`,
  );
}
