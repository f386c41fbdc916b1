/**
 * What `CacheMetrics.snapshot()` answers: the contract with everything that shows it (Prometheus, OpenTelemetry, a dashboard,
 * a terminal). Plain JSON: it survives `JSON.stringify`, does not change any more, and adds up over processes with
 * `mergeSnapshots`. Times are milliseconds. What is missing is left out, never null.
 */

import type { HistogramSnapshot } from './histogram.js';
import type { RemovalCounts } from '../memory/removal.js';
import type { PortState } from '../redis/port.js';

/** How one read of one key ended. An error is no miss: a cache that is down must not look like one that is cold. */
export type ReadOutcome = 'hit' | 'miss' | 'error';

/** One value for each way a read can end. */
export interface ByReadOutcome<T> {
  readonly hit: T;
  readonly miss: T;
  readonly error: T;
}

/**
 * Counts since `since`, each of one namespace or of all. A count stays at `Number.MAX_SAFE_INTEGER` once it is there.
 *
 * Keys are counted, not calls, but where it says otherwise: `getMany` of three keys is three reads.
 */
export interface MetricsCounters {
  /** Reads that found a value: `memoryHits` and `redisHits`. */
  readonly hits: number;
  /** Reads that found out that no layer has a value. */
  readonly misses: number;
  /** What failed, of any kind: `redisErrors`, `setErrors`, `deleteErrors`, `fillErrors`, `otherErrors` and `unreadable`. */
  readonly errors: number;

  /** Reads answered from the memory of the process. */
  readonly memoryHits: number;
  /** Looks into memory that found nothing that may be served. 0 for a cache that keeps nothing there. */
  readonly memoryMisses: number;
  /** Reads answered from Redis. */
  readonly redisHits: number;
  /** Reads of Redis that found nothing that may be served. */
  readonly redisMisses: number;
  /** Reads that Redis failed: unreachable, silent, or an error. `getOrSet` then loads. */
  readonly redisErrors: number;
  /** Callers that shared the answer of another call under way in this process. They are in no other count. */
  readonly coalesced: number;

  /** Answers past their `ttl`: the next two. The histogram `staleAge` has how old they were. */
  readonly staleServes: number;
  /** Answers past their `ttl` that were given at once while one load replaced them. */
  readonly staleWhileRevalidate: number;
  /** Answers past their `ttl` that stood in for a load that failed, or took longer than `timeout.soft`. */
  readonly staleIfError: number;

  /** Keys that were loaded, or were to be: a loader of many counts once for each. */
  readonly loads: number;
  /** Loads that threw, rejected or timed out. */
  readonly loadFailures: number;
  /** Those of the failures that passed `timeout.hard`. */
  readonly loadTimeouts: number;
  /** Those of the loads that no caller waited for: of stale values and of those that XFetch drew. */
  readonly refreshes: number;

  /** Leases of keys that this process took, to load under them. */
  readonly leasesTaken: number;
  /** Times a read waited for the load of another process; one read may wait several times. */
  readonly leaseWaits: number;
  /** Leases taken after waiting for another's: that process died, or its load failed. */
  readonly leaseTakeovers: number;
  /** Loaded values that Redis took. */
  readonly fills: number;
  /** Loaded values that were not stored because the key was written, deleted or invalidated meanwhile. */
  readonly fillsRefused: number;
  /** Loaded values that Redis failed to take. */
  readonly fillErrors: number;

  /** Keys written by request. */
  readonly sets: number;
  readonly setErrors: number;
  /** Keys removed by request, whether there was a value or not. */
  readonly deletes: number;
  readonly deleteErrors: number;
  /** Tags invalidated by request. */
  readonly tagInvalidations: number;
  /** Failures of everything else that was asked of Redis: `has`, `ttl`, `expire`, tags, leases. */
  readonly otherErrors: number;

  /** Calls of `getMany`; their keys are in the counts of reads. */
  readonly getManyCalls: number;
  /** Calls of `getOrSetMany`; their keys are in the counts of reads and loads. */
  readonly getOrSetManyCalls: number;
  /** Calls of `setMany`; their keys are in `sets` and `setErrors`. */
  readonly setManyCalls: number;
  /** Calls of `deleteMany`; their keys are in `deletes` and `deleteErrors`. */
  readonly deleteManyCalls: number;

  /** Keys and tags that this process told Redis to invalidate, by request. Those that were replayed later are not among them. */
  readonly invalidationsSent: number;
  /**
   * Changes of keys and tags by others that the server told of. One that says that anything may have changed (FLUSHALL) counts
   * once in every namespace.
   */
  readonly invalidationsReceived: number;
  /** Keys and tags whose invalidation could not reach Redis, and is kept to be replayed. */
  readonly invalidationsDeferred: number;

  /** Entries in Redis that could not be read (another format, another codec, a list under the key) and were taken for misses. */
  readonly unreadable: number;
  /** Failures of work that no caller waited for, or that a caller was spared, by any operation; see `backgroundErrors`. */
  readonly backgroundErrors: number;
}

/** The name of a counter. */
export type MetricsCounter = keyof MetricsCounters;

/** Where the time went. `load` is the application's loader. */
export type MeasuredLayer = 'memory' | 'redis' | 'load';

/**
 * What was done. Bulk calls are timed as a whole; their keys may be timed by themselves beside that, under `get`, `set` and
 * `delete`.
 */
export type MeasuredOperation =
  | 'get'
  | 'getMany'
  | 'set'
  | 'setMany'
  | 'delete'
  | 'deleteMany'
  | 'lease'
  | 'fill'
  | 'invalidateTags'
  | 'load';

/**
 * How it ended. Reads: `hit`, `miss`, `error`. Fills: `ok`, `refused` (the key was changed meanwhile), `error`. Leases: `ok`,
 * `refused` (another process has it), `error`. All else: `ok`, `error`.
 */
export type MeasuredOutcome = ReadOutcome | 'ok' | 'refused';

/** How long one kind of operation took, in milliseconds. */
export interface LatencySnapshot extends HistogramSnapshot {
  readonly layer: MeasuredLayer;
  readonly operation: MeasuredOperation;
  readonly outcome: MeasuredOutcome;
  /**
   * Of how many one was timed, in the mean. 1: all. Hits in memory are timed by a sample (one in 16 down to one in 4096, the more
   * there are), because two readings of the clock cost more than the hit; `count` is then the size of the sample. What one
   * reading costs, some 40 ns, is in each.
   */
  readonly timedOneIn: number;
}

/** What happened lately. */
export interface RateWindow {
  /** How far back it looks: 60 or 300. */
  readonly seconds: number;
  /** How much of that there is to look at: less than `seconds` shortly after the start and after a reset. */
  readonly covers: number;
  /** Each counter per second, over what it covers. */
  readonly perSecond: MetricsCounters;
  /** As `MetricsSnapshot.ratios`, of these reads. */
  readonly ratios: ByReadOutcome<number>;
}

/** A key that is read much, as far as a sample of the reads can tell. */
export interface HotKey {
  readonly namespace: string;
  /** As the caller gave it. It may name a person: never make it a label of a metric. */
  readonly key: string;
  /** Reads of it, estimated from the sample; recent ones count more. Too high by at most `error`, but for the sampling. */
  readonly reads: number;
  readonly error: number;
  /** `reads` as a fraction of all reads. */
  readonly share: number;
}

/**
 * The keys read most, the most read first (Space-Saving; A. Metwally, D. Agrawal, A. El Abbadi, "Efficient Computation of
 * Frequent and Top-k Elements in Data Streams", ICDT 2005), over a sample of the reads. Counts are halved every 5 minutes.
 */
export interface HotKeys {
  /** All reads in the same measure as `reads` of a key. */
  readonly total: number;
  /** A key that is not listed has at most so many of them. */
  readonly floor: number;
  readonly keys: readonly HotKey[];
}

/** What the memory of the process holds. All namespaces share it. */
export interface MemoryGauges {
  readonly entries: number;
  readonly bytes: number;
  readonly maxBytes: number;
  /** Values that had to make room: `removals.capacity`. */
  readonly evictions: number;
  /** Values that left, by reason. */
  readonly removals: Readonly<RemovalCounts>;
}

/** One number for each state of a connection. */
export type ByPortState = { readonly [State in PortState]: number };

/** The way to one server. The state is that of the breaker: in `silent` and `lost` nothing is asked and calls fail at once. */
export interface ServerGauges {
  /** Never with a password. */
  readonly address: string;
  /** How many processes see it in which state. Of one process: 1 for the state it sees, 0 for the others. */
  readonly states: ByPortState;
}

export interface RedisGauges {
  /** Of the way to Redis as a whole, as `ServerGauges.states`. */
  readonly states: ByPortState;
  /** How often each state was entered. `ready` beyond the first is a reconnect. */
  readonly entered: ByPortState;
  readonly servers: readonly ServerGauges[];
  /** Whether the server tells of changed keys; else copies in memory live until their time is over. */
  readonly tracking: boolean;
}

/** How this process hears of changes made elsewhere. */
export interface CoherenceMetrics {
  /**
   * Within how many milliseconds changes made elsewhere are heard of here, measured about once a second on each connection that
   * tells of them: a change made at that moment was heard of no later. All that delays news is in it: the server, the network, and
   * this process's event loop. It includes the way there of the question that measures, so that news were in fact quicker.
   *
   * While there is no connection nothing is heard and nothing measured: see `RedisGauges.states`.
   */
  readonly lag: HistogramSnapshot;
}

/** Work that no caller waits for, or whose failure a caller is spared. */
export type BackgroundOperation =
  | 'read'
  | 'fill'
  | 'refresh'
  | 'load'
  | 'get'
  | 'delete'
  | 'warm'
  | 'replay'
  | 'other';

/** What a cache counted since `since`, and how it stands. See the head of the file. */
export interface MetricsSnapshot {
  /** Of this contract. Fields may be added within one version. */
  readonly version: 1;
  /** When counting began, in milliseconds since the Unix epoch: at creation, or at the last `reset()`. */
  readonly since: number;
  /** When this was taken, in milliseconds since the Unix epoch. */
  readonly at: number;
  /** How many processes are in it: 1, or as many as were merged. */
  readonly processes: number;

  /** Over all namespaces. */
  readonly counters: MetricsCounters;
  /**
   * By namespace: its names joined with `:`, as in `shop:eu`; `''` where keys stand bare. Beyond 200 namespaces all further
   * ones are one, called `(other)`, so that a namespace a tenant cannot fill the memory.
   */
  readonly namespaces: Readonly<Record<string, MetricsCounters>>;
  /** Fractions of all reads, from 0 to 1, together 1; all 0 while there was no read. */
  readonly ratios: ByReadOutcome<number>;
  /** The last minute, and the last five. */
  readonly windows: readonly RateWindow[];
  /** Kinds of operation that happened at least once, over all namespaces. */
  readonly latency: readonly LatencySnapshot[];
  /** Milliseconds since the load of what was served stale began. */
  readonly staleAge: HistogramSnapshot;
  /** Left out where nobody tells of changes. */
  readonly coherence?: CoherenceMetrics;
  /** Left out where hot keys are not looked for. */
  readonly hotKeys?: HotKeys;
  readonly backgroundErrors: { readonly [Operation in BackgroundOperation]: number };
  /** Left out for a cache that keeps nothing in memory. */
  readonly memory?: MemoryGauges;
  /** Left out for a cache without Redis. */
  readonly redis?: RedisGauges;
  /**
   * Counts and gauges of other parts, by their dotted names, such as `write_behind.acknowledged`; see
   * `CacheMetrics.counter` and `CacheMetrics.gauge`. Those that a cache has by itself: gauges `loads.running`,
   * `loads.waiting` (for their turn while Redis is away) and `recovery.pending` (invalidations that Redis was not told yet);
   * counters `write_behind.acknowledged`, `.applied`, `.refused` (and tried again) and `.dead`; `preload.turns` and
   * `preload.failures`.
   */
  readonly named: {
    readonly counters: Readonly<Record<string, number>>;
    readonly gauges: Readonly<Record<string, number>>;
  };
}
