import type { RedisOptions } from 'tiercel';
import { FaultProxy } from 'tiercel/testing';
import type { RedisServer } from '../servers/redis.js';

export const TOPOLOGIES = ['single', 'sentinel', 'shards', 'cluster'] as const;
export type Topology = (typeof TOPOLOGIES)[number];

/** The Redis that the fleet shares, and each worker's way to it. */
export interface Deployment extends AsyncDisposable {
  readonly servers: readonly RedisServer[];
  /** Of each worker, one for each server; empty where the servers' addresses are told elsewhere, and no proxy can stand between. */
  readonly proxies: ReadonlyArray<readonly FaultProxy[]>;
  /**
   * Whether a replica takes the place of a server that is away. It may then not have what other programs were told is
   * done, and for those there is only the expiry (decision 0023).
   */
  readonly failsOver: boolean;
  readonly cluster?: ClusterFaults;
  optionsOf(worker: number): RedisOptions;
  /** The server that holds the keys, or each of them. */
  holders(): Promise<readonly RedisServer[]>;
  /** `redis-cli DEL`, wherever the key is. */
  remove(key: string): Promise<void>;
  /**
   * Resolves when what was killed or frozen takes commands again. A node of a Cluster refuses all for up to seconds after it
   * has come back, until it knows whether it is still a primary: for those who use it, it is away until then. So is one whose
   * sentinels are about to put another in its place.
   */
  untilServing(): Promise<void>;
  /** Resolves when every server has the place it is to have, and replicas follow, so that the next fault costs no more than itself. */
  untilWell(): Promise<void>;
}

/** What can happen to a Cluster alone. */
export interface ClusterFaults {
  /**
   * Resolves when the primary, which went and whose place a replica took, is back as a replica.
   *
   * @returns when the replica had taken over.
   */
  takeOver(primary: RedisServer): Promise<number>;
  /** Has a replica take over in order. */
  failOver(primary: RedisServer): Promise<void>;
  /** Gives some of the slots that have keys to another primary, key by key, while they are used. */
  moveSlots(from: RedisServer, to: RedisServer): Promise<void>;
}

/** A write that waits for the database must survive a SIGKILL, whatever the disk is doing. */
export const DURABLE = { appendonly: true, config: { appendfsync: 'always' } } as const;

/** Of each worker, one for each server. */
export function proxiesBefore(
  servers: readonly RedisServer[],
  workers: number,
  seed: number,
): Promise<FaultProxy[][]> {
  return Promise.all(
    Array.from({ length: workers }, (_, worker) =>
      Promise.all(servers.map(({ port }, i) => FaultProxy.to({ port, seed: seed + worker * 100 + i }))),
    ),
  );
}
