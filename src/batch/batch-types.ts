import type { WriteOptions } from '../client/client-options.js';
import type { Duration } from '../duration.js';
import type { Isolation } from '../memory/memory-store.js';

/** What batches are made for: a `CacheClient`, a `CacheManager`, a namespace of either, or anything that does the same. */
export interface BatchTarget<Options extends object = WriteOptions> {
  get<T = unknown>(key: string): Promise<T | undefined>;
  set(key: string, value: unknown, options?: Options): Promise<void>;
  delete(key: string): Promise<boolean>;
}

/** Settings of a `BatchCacheManager`. */
export interface BatchOptions {
  /** Operations that make a batch go at once, and commands in one at most. Default 100. */
  readonly batchSize?: number;
  /** How long an operation waits for others. 0: until this turn of the event loop is over. Default 100 ms. */
  readonly flushInterval?: Duration;
  /** Operations that may be unsettled, waiting or under way; `run` waits instead of going over it. Default 10,000. */
  readonly maxPending?: number;
  /** Batches that may be under way at once. Default 4. */
  readonly concurrency?: number;
  /**
   * What stands between the caller and a value that waits to be sent, and between those who read one value. `freeze`: plain
   * objects and arrays are frozen as they are given, so that a change made before they are sent is a TypeError instead of
   * wrong data; `clone` copies; `share` trusts. Default `freeze`.
   */
  readonly isolation?: Isolation;
}

/** One operation of a stream; see `BatchCacheManager.run`. */
export type BatchOperation<Options extends object = WriteOptions> =
  | { readonly type: 'set'; readonly key: string; readonly value: unknown; readonly options?: Options }
  | { readonly type: 'get'; readonly key: string }
  | { readonly type: 'delete'; readonly key: string };

/**
 * What became of an operation. `not-done`: certainly nothing. `unknown`: it was sent, and the answer was lost or late; sets
 * and deletes may be repeated.
 */
export type BatchOutcome = 'done' | 'not-done' | 'unknown';

/** How one operation of a stream ended. */
export interface BatchResult<Options extends object = WriteOptions> {
  readonly operation: BatchOperation<Options>;
  /** Which one of the stream it was, from 0. */
  readonly index: number;
  readonly outcome: BatchOutcome;
  /** What it resolved with: the value of a get, whether a delete removed something. */
  readonly value?: unknown;
  /** Why it is not done. */
  readonly error?: unknown;
}

/** Counts of operations. `given` = `waiting` + `done` + `notDone` + `unknown`. */
export interface BatchProgress {
  readonly given: number;
  /** Those that have not settled yet: they wait, or are under way. */
  readonly waiting: number;
  readonly done: number;
  /** Failed, and certainly not carried out. */
  readonly notDone: number;
  /** Failed, and it is not known whether Redis carried them out. */
  readonly unknown: number;
}

/** One operation that is not done. */
export interface BatchFailure {
  readonly type: BatchOperation['type'];
  readonly key: string;
  readonly outcome: Exclude<BatchOutcome, 'done'>;
  readonly error: unknown;
}

/** What became of all operations that were waited for. */
export interface BatchSummary extends BatchProgress {
  /** The first 100 that failed; the counts are of all. */
  readonly failures: readonly BatchFailure[];
}

/** Options of one `run`. What a listener throws ends the run with it. */
export interface BatchRunOptions<Options extends object = WriteOptions> {
  /** Called for every operation as it settles, not in the order of the stream. */
  readonly onResult?: (result: BatchResult<Options>) => void;
  /** Called after each batch with the counts of this run, and once at its end. */
  readonly onProgress?: (progress: BatchProgress) => void;
}
