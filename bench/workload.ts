import type { RedisServer } from '../servers/redis.js';
import type { BenchCache, Layers } from './contender.js';
import type { ContenderId } from './contenders/index.js';
import type { Stage } from './runner/stage.js';

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
  /** What this workload measures beside, by the keys of its `figures`; Infinity for what was not seen to end. */
  readonly figures?: Readonly<Record<string, number>>;
}

/** A case of a workload, set up in a contender's process. */
export interface PreparedCase {
  /** @param seconds how long a round that has no end of its own goes on. Missing where the bench leads the case. */
  readonly round?: (seconds: number) => Promise<RoundResult>;
  /** What the bench asks for in a case that it leads. */
  readonly act?: (request: unknown) => Promise<unknown>;
  /** Whole values compared with what they must be, after the last round. Resolves with how many are wrong. */
  readonly verify?: () => Promise<number>;
}

/** Where a contender's process stands among those of the same contender. */
export interface Place {
  /** From 0. */
  readonly index: number;
  /** What the workload's `resource` started, for all contenders. */
  readonly resourceUrl: string | undefined;
}

export interface WorkloadCase {
  readonly name: string;
  /** Whether `--quick` runs it. */
  readonly quick: boolean;
  /** Runs in each process of the contender. Resolves when all is in place and checked; rejects if it cannot take part. */
  readonly prepare: (cache: BenchCache, place: Place) => Promise<PreparedCase>;
  /** Runs in the bench's own process, where a round needs more than one process or does something to Redis. */
  readonly lead?: (stage: Stage) => Promise<RoundResult>;
  /** Where on the axis of a `growth` workload it stands. */
  readonly x?: number;
  /** Of this case alone, in place of the workload's: contenders are set up anew for it. */
  readonly resource?: Resource;
}

/** One more column. */
export interface Figure {
  readonly key: string;
  readonly title: string;
  /** Digits after the point. */
  readonly digits: number;
}

/** Columns that any workload may have, in this order. */
export type CommonColumn = 'cpu' | 'p99' | 'loads' | 'commands' | 'trips';

/** Beside the Redis that every workload has. */
export interface StartedResource extends AsyncDisposable {
  readonly url: string;
  /** Servers whose commands are counted as well. */
  readonly servers?: readonly RedisServer[];
}

/** A server beside Redis that a workload needs. It is started once. */
export type Resource = () => Promise<StartedResource>;

/** One file of this folder's `workloads`. It is imported by the bench and by every contender's process. */
export interface Workload {
  readonly id: string;
  readonly title: string;
  /** What the callers do, for the reader of the table. */
  readonly description: string;
  /** Who takes part, if it offers one of the `layers`. */
  readonly contenders: readonly ContenderId[];
  /** The best first: a contender has the first of them that it offers. */
  readonly layers: readonly Layers[];
  /** How many entries each memory may hold. Default 10,000, which is all that the workload touches where it says nothing else. */
  readonly memoryEntries?: number;
  /** Where the default of a cache that bounds its memory by bytes would not hold what the workload is about. */
  readonly memoryBytes?: number;
  /** Of each contender. Default 1; a round of many is the sum of theirs, with the worst time of all. */
  readonly processes?: number;
  /** Where Redis itself is stopped or its connections are cut: each contender has its own, and runs by itself in each case. */
  readonly ownServer?: boolean;
  readonly resource?: Resource;
  /** A round that is not counted goes before the first. Default true. */
  readonly warmUp?: boolean;
  /** However many are asked for. */
  readonly maxRounds?: number;
  /** The figure that contenders are compared by. */
  readonly score: {
    readonly title: string;
    readonly better: 'higher' | 'lower';
    readonly of: (round: RoundResult) => number;
    /** Digits after the point. Default 0. */
    readonly digits?: number;
  };
  readonly figures?: readonly Figure[];
  /** False where what is without a cache does other work, so that a ratio would mean nothing. */
  readonly comparesWithFloor: boolean;
  /** Where every answer must come from: held against how often the loader ran, and against the server's own counts. */
  readonly answersFrom?: 'redis' | 'memory';
  /** Which of the common columns mean something here. Default: CPU, p99 and commands. */
  readonly columns?: readonly CommonColumn[];
  /** True where errors, wrong values and hangs of others are the result: only Tiercel's make the bench fail. */
  readonly failuresAreResults?: boolean;
  /** Cost against size: not part of the comparison, and plotted as lines over `x`. */
  readonly growth?: { readonly axis: string };
  readonly cases: readonly WorkloadCase[];
}
