import type { BenchCache } from './contender.js';

/** What one contender did in one round. */
export interface RoundResult {
  /** Calls that settled, failed ones included. */
  readonly operations: number;
  /** From the first call to the last answer. */
  readonly seconds: number;
  /** User and system time of the contender's process, garbage collection included. */
  readonly cpuMicros: number;
  /** 99th percentile of one call, in milliseconds, from every eighth call. */
  readonly p99Ms: number;
  /** Answers that were not the value stored or loaded. */
  readonly wrong: number;
  readonly errors: number;
  /** How often the loader ran. */
  readonly loads: number;
  readonly firstError?: string | undefined;
}

/** A case of a workload, set up in the contender's process. */
export interface PreparedCase {
  /** @param seconds how long a round that has no end of its own goes on. */
  round(seconds: number): Promise<RoundResult>;
  /** Whole values compared with what they must be, after the last round. Resolves with how many are wrong. */
  verify?(): Promise<number>;
}

export interface WorkloadCase {
  readonly name: string;
  /** Whether `--quick` runs it. */
  readonly quick: boolean;
  /** Resolves when everything is in place and has been checked; rejects if the contender cannot take part. */
  prepare(cache: BenchCache): Promise<PreparedCase>;
}

/** One file of this folder's `workloads`. It is imported by the bench and by every contender's process. */
export interface Workload {
  readonly id: string;
  readonly title: string;
  /** What the callers do, for the reader of the table. */
  readonly description: string;
  /** The figure that contenders are compared by. */
  readonly score: {
    readonly title: string;
    readonly better: 'higher' | 'lower';
    readonly of: (round: RoundResult) => number;
  };
  /** False where a bare client does other work than a cache, so that a ratio would mean nothing. */
  readonly comparesWithFloor: boolean;
  /** True where every answer must come out of Redis: it is held against the server's own count of keys found. */
  readonly readsRedis: boolean;
  /** True where how often the loader ran is a result, not a mistake. */
  readonly showsLoads: boolean;
  readonly cases: readonly WorkloadCase[];
}
