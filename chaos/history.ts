/**
 * What is written down of a run. Times are milliseconds of the machine's monotonic clock, which all its processes share.
 */

/** How a thing is changed, and `ahead` how it is loaded, else as `aside`. `behind` things have one writer each, so that their writes have an order. */
export type Kind = 'aside' | 'around' | 'through' | 'behind' | 'tagged' | 'ahead';
export const KINDS: readonly Kind[] = ['aside', 'around', 'through', 'behind', 'tagged', 'ahead'];

/** One life of one worker. Everything that is outside of workers is done by `OUTSIDE`. */
export interface Life {
  readonly worker: number;
  readonly life: number;
}
export const OUTSIDE = -1;

/** One change of one thing. It is written down before it begins, so that a killed worker's is known too. */
export interface Write extends Life {
  readonly key: string;
  /** What readers see of it; no other write has the same. */
  readonly token: string;
  readonly begin: number;
  /** Missing where its process was killed, or the run ended, before it settled. */
  end?: number;
  /** Whether the caller was told that it is done, and whoever reads need be told nothing more. */
  ok?: boolean;
  error?: string;
  /** The time that the database took, where its caller waited for that. */
  saving?: Span;
  /** Whether the database failed: then nobody knows whether it has it, or will. */
  saveFailed?: boolean;
}

export interface Read extends Life {
  readonly key: string;
  readonly begin: number;
  readonly end: number;
  /** What it saw; missing where it failed. */
  readonly token?: string | undefined;
  readonly error?: string | undefined;
}

export interface Load extends Life {
  readonly key: string;
  readonly begin: number;
  end?: number;
  /** What the database failed with, which readers are told as it is. */
  error?: string;
}

export type FaultName =
  | 'redis freeze'
  | 'redis kill'
  | 'client kill'
  | 'flush'
  | 'worker kill'
  | 'worker stop'
  | 'cut'
  | 'black hole'
  | 'slow'
  | 'lost answers'
  | 'reset amid an answer'
  | 'garbage'
  /** Of the way of one process to the database. */
  | 'postgres slow'
  | 'postgres cut'
  | 'postgres reset'
  /** Of a Cluster: a primary is killed, its replica takes over by itself, and later it comes back as the replica of that. */
  | 'takeover'
  /** Of a Cluster: a replica takes over in order. */
  | 'failover'
  /** Of a Cluster: slots in use are given to another primary. */
  | 'slot move';

export interface Fault {
  readonly name: FaultName;
  readonly begin: number;
  readonly end: number;
  /** When others could be served again, where that was before its end. */
  readonly back?: number | undefined;
  /** Missing where it concerns all. */
  readonly worker?: number | undefined;
}

/** A time in which something was so. */
export interface Span {
  readonly begin: number;
  readonly end: number;
}

/** All that happened, as far as anyone could tell. */
export interface History {
  readonly writes: readonly Write[];
  readonly reads: readonly Read[];
  readonly loads: readonly Load[];
  readonly faults: readonly Fault[];
  /** Of each worker, the times in which it did not run although it lived; of `OUTSIDE`, that in which the run itself did not. */
  readonly stalls: ReadonlyMap<number, readonly Span[]>;
  /** Of each worker, the times in which it held its link to Redis not to be ready, or had something to tell it yet. */
  readonly unready: ReadonlyMap<number, readonly Span[]>;
  /** Of each worker, the times in which Redis failed it although the link was ready: a node that refuses, an answer that was late. */
  readonly refused: ReadonlyMap<number, readonly Span[]>;
  /** Of each worker, when Redis had given it what it asked for, or taken what it had loaded. */
  readonly served: ReadonlyMap<number, readonly number[]>;
  /** Of each worker, the times in which something that it asked of Redis failed, however its links were. */
  readonly failed: ReadonlyMap<number, readonly Span[]>;
  /** Of each worker, when each of its lives ended; a life that is missing lived to the end. */
  readonly deaths: ReadonlyMap<string, number>;
  /** For each key, the tokens in the order in which the truth had them; the first is that of the start. */
  readonly order: ReadonlyMap<string, readonly string[]>;
  /** When a write that was acknowledged before the database had it was seen to be there. */
  readonly applied: ReadonlyMap<string, number>;
  /** Whether a server's place may be taken by one that does not have all that it confirmed. */
  readonly failsOver: boolean;
  /** Until when all went on as ever, by the clock of the calls. */
  readonly end: number;
}

/** What may be expected of a cache; all in milliseconds. */
export interface Bounds {
  /** How long a change may take to be told. */
  readonly hop: number;
  readonly maxStaleWhenDisconnected: number;
  readonly ttl: number;
  /** Of what is loaded ahead of its expiry. */
  readonly aheadTtl: number;
  readonly lease: number;
  readonly commandTimeout: number;
  /** How long after a fault until the links are ready again, where they do not say themselves. */
  readonly margin: number;
}

/** The machine's monotonic clock in milliseconds: unlike `performance.now()`, the same in all processes. */
export function machineNow(): number {
  return Number(process.hrtime.bigint() / 1000n) / 1000;
}

/** How long a value may stand that nobody is told of any more. */
export function ttlOf(key: string, { ttl, aheadTtl }: Bounds): number {
  return key.startsWith('ahead:') ? aheadTtl : ttl;
}

export function lifeName({ worker, life }: Life): string {
  return `${worker}.${life}`;
}
