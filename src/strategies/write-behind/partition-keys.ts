import type { KeySpace } from '../../client/key-space.js';
import type { ResourceId } from '../resource-id.js';

/** The Redis keys of one partition of a queue. They share a hash tag, so that on a Cluster one script may have them all. */
export interface PartitionKeys {
  /** Hash: id → the newest write of it that the database does not have yet. */
  readonly pending: string;
  /** Sorted set: the ids to be written, by when their first write was acknowledged. */
  readonly ready: string;
  /** Sorted set: the ids whose write failed, by when it is tried again. */
  readonly waiting: string;
  /** The lease of the process that writes this partition to the database. */
  readonly owner: string;
  /** Hash: the last sequence number, and how many were ever settled. */
  readonly meta: string;
  /** Stream: the writes that the database kept refusing. */
  readonly dead: string;
  /** Hash: id → its newest dead letter, as long as no write came after it. */
  readonly deadIds: string;
}

/** @param queue - its name within the namespace. */
export function partitionKeys(keys: KeySpace, queue: string, partition: number): PartitionKeys {
  // A namespace that began with a brace would leave nothing between the two, and then each key has a slot of its own.
  const tag = `{${keys.behindPrefix.replaceAll('}', '%7D')}${queue}:${partition}}`;
  return {
    pending: `${tag}pending`,
    ready: `${tag}ready`,
    waiting: `${tag}waiting`,
    owner: `${tag}owner`,
    meta: `${tag}meta`,
    dead: `${tag}dead`,
    deadIds: `${tag}dead-ids`,
  };
}

/** FNV-1a over UTF-16 units, with a last mix: which partition an id belongs to, in every process and for good. */
export function partitionOf(given: ResourceId, partitions: number): number {
  const id = String(given);
  let h = 0x811c9dc5;
  for (let i = 0; i < id.length; i++) h = Math.imul(h ^ id.charCodeAt(i), 0x01000193);
  h ^= h >>> 16;
  return (Math.imul(h, 0x7feb352d) >>> 0) % partitions;
}
