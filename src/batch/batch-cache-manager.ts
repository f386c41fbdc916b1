import type { WriteOptions } from '../client/client-options.js';
import { parseDuration } from '../duration.js';
import { ClosedError, EncodeError, InvalidOptionError, OverloadedError } from '../errors.js';
import { barrier, type Barrier } from '../memory/isolation.js';
import { runInBackground } from '../runtime/background.js';
import { assertKey, describeValue, oneOf, positiveInteger, rejectUnknownOptions } from '../validate.js';
import { BatchCall, type Caller } from './batch-call.js';
import { BatchQueue } from './batch-queue.js';
import { runOperations, type RunHost } from './batch-run.js';
import { BatchTally } from './batch-tally.js';
import type {
  BatchOperation,
  BatchOptions,
  BatchProgress,
  BatchRunOptions,
  BatchSummary,
  BatchTarget,
} from './batch-types.js';

const OPTIONS = ['batchSize', 'flushInterval', 'maxPending', 'concurrency', 'isolation'];
const LONGEST_TIMER = 2 ** 31 - 1;

const ignore = (): void => undefined;

/**
 * Many operations as few pipelines: they are gathered, and sent when there are `batchSize` of them, `flushInterval` after the
 * first, or on `flush()` and `close()`. For imports, warm-ups and sweeps; reads of one turn share a command without it.
 *
 * - Each operation has its own promise, and a failed command rejects that one only. The error tells whether it happened: a
 *   `DeadlineError`, and a `ConnectionError` with `sent: true`, say that this is unknown; with any other it did not.
 * - Operations on one key take effect in the order given. Those on different keys may not.
 * - The last write to a key that waits replaces those before it. They are not sent, and settle as it does: resolve when
 *   it was written, reject with its error when it was not. A `batchDelete` that was replaced has removed nothing: `false`.
 * - A `batchGet` behind a write that has not settled yet resolves with what that writes, once it is written, without asking
 *   Redis. Where the write failed, Redis is asked.
 * - An operation takes effect when it is sent, not when it is called: what others do to the key meanwhile comes before it.
 * - A promise that nobody awaits may reject without ending the process; `flush()` tells of all that failed since the last.
 * - While something waits the process stays alive, at most for `flushInterval`; `process.exit()` loses it, so `close()` first.
 *
 * @example
 * await using batch = new BatchCacheManager(cache)
 * for (const user of users) void batch.batchSet(`user:${user.id}`, user, { ttl: '1h' })
 * const { notDone, unknown, failures } = await batch.flush()
 */
export class BatchCacheManager<Options extends object = WriteOptions> implements AsyncDisposable {
  readonly #queue: BatchQueue<Options>;
  readonly #barrier: Barrier;
  readonly #maxPending: number;
  /** Operations of one `run` that may be unsettled: enough that no batch waits for the stream, with room left for others. */
  readonly #runWindow: number;
  /** Of all operations ever. */
  readonly #total = new BatchTally();
  /** Of those given since the last flush. */
  #sinceFlush = new BatchTally(this.#total);
  /** Settles when all that was given before the last flush has. */
  #flushed: Promise<unknown> = Promise.resolve();
  #closing: Promise<BatchSummary> | undefined;
  readonly #afterBatch = new Set<() => void>();

  /**
   * @param target - stays the caller's to close, after the batch.
   * @throws InvalidOptionError
   */
  constructor(target: BatchTarget<Options>, options: BatchOptions = {}) {
    rejectUnknownOptions(options, OPTIONS, 'BatchCacheManager');
    checkTarget(target);
    const batchSize = positiveInteger(options.batchSize ?? 100, 'batchSize');
    const concurrency = positiveInteger(options.concurrency ?? 4, 'concurrency');
    const maxPending = positiveInteger(options.maxPending ?? Math.max(10_000, batchSize), 'maxPending');
    if (maxPending < batchSize) {
      throw new InvalidOptionError(`maxPending: ${maxPending} is less than batchSize, ${batchSize}`);
    }
    const isolation = oneOf(options.isolation ?? 'freeze', ['freeze', 'clone', 'share'], 'isolation');
    this.#barrier = barrier(isolation);
    this.#maxPending = maxPending;
    this.#runWindow = Math.min(maxPending, 2 * batchSize * concurrency);
    this.#queue = new BatchQueue({
      target,
      batchSize,
      concurrency,
      flushInterval: parseDuration(options.flushInterval ?? 100, 'flushInterval', {
        min: 0,
        max: LONGEST_TIMER,
      }),
      keep: (value) => this.#barrier.in(value),
      onBatchSettled: () => {
        for (const tell of this.#afterBatch) tell();
      },
    });
  }

  /** Operations that have not settled yet. */
  get pending(): number {
    return this.#total.waiting;
  }

  /**
   * Resolves when the value, or a later one given for the key, is written.
   *
   * @throws EncodeError for `undefined`; OverloadedError when `maxPending` operations have not settled: this one is then not
   * sent; ClosedError; and as `set` of the target does.
   */
  batchSet(key: string, value: unknown, options?: Options): Promise<void> {
    const operation = { type: 'set', key, value } as const;
    return this.#promised(options === undefined ? operation : { ...operation, options }) as Promise<void>;
  }

  /** The value, or `undefined`. @throws OverloadedError, ClosedError, and as `get` of the target does. */
  batchGet<T = unknown>(key: string): Promise<T | undefined> {
    return this.#promised({ type: 'get', key }) as Promise<T | undefined>;
  }

  /** Whether this removed something. @throws OverloadedError, ClosedError, and as `delete` of the target does. */
  batchDelete(key: string): Promise<boolean> {
    return this.#promised({ type: 'delete', key }) as Promise<boolean>;
  }

  /**
   * Carries out a stream of operations, however long: it takes the next one only while few enough have not settled, so that
   * memory stays bounded and a slow Redis slows the stream. A failed operation does not end it: `onResult` tells of each, and
   * the summary counts them. Where the stream or a listener throws, or the batch is closed, it takes no more, waits for
   * what it took, and rejects with what was thrown.
   *
   * @example
   * async function* rows() {
   *   for await (const row of db.stream('select * from users'))
   *     yield { type: 'set', key: `user:${row.id}`, value: row, options: { ttl: '1h' } } as const
   * }
   * const { notDone, unknown } = await batch.run(rows(), { onProgress: ({ done }) => bar.update(done) })
   *
   * @throws InvalidOptionError for what is no operation; ClosedError.
   */
  run(
    operations: AsyncIterable<BatchOperation<Options>> | Iterable<BatchOperation<Options>>,
    options: BatchRunOptions<Options> = {},
  ): Promise<BatchSummary> {
    const host: RunHost<Options> = {
      take: (operation, caller, tally) => {
        if (this.#closing) throw closedError('run');
        this.#give(operation, caller, tally);
      },
      room: (tally) =>
        tally.waiting >= this.#runWindow || this.pending >= this.#maxPending ? this.#nextBatch() : undefined,
      sendAll: () => this.#queue.flush(),
      onBatchSettled: (listener) => this.#onBatchSettled(listener),
    };
    return runOperations(host, operations, options);
  }

  /**
   * Sends all that waits, and resolves when all that was given before has settled.
   *
   * @returns what became of the operations given since the last flush, those of a `run` among them. Never rejects.
   */
  async flush(): Promise<BatchSummary> {
    const tally = this.#sinceFlush;
    this.#sinceFlush = new BatchTally(this.#total);
    this.#queue.flush();
    const settled = Promise.all([this.#flushed, tally.settled()]);
    this.#flushed = settled;
    await settled;
    return tally.summary();
  }

  /** Calls the listener after each batch with the counts since the beginning. Returns what ends that. */
  onProgress(listener: (progress: BatchProgress) => void): () => void {
    return this.#onBatchSettled(() => runInBackground(() => listener(this.#total.progress()), ignore));
  }

  /** Refuses further operations, and does as `flush`. The target stays open. */
  close(): Promise<BatchSummary> {
    return (this.#closing ??= this.flush());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #promised(operation: BatchOperation<Options>): Promise<unknown> {
    const promise = new Promise((done, failed) => {
      const caller: Caller = { done: (value) => done(this.#barrier.out(value)), failed };
      this.#give(operation, caller, undefined);
    });
    // Those who do not await each of many promises must not end their process with the first that rejects.
    promise.catch(ignore);
    return promise;
  }

  /** Takes an operation on, or tells its caller why not. */
  #give(given: BatchOperation<Options>, caller: Caller, ofRun: BatchTally | undefined): void {
    let operation = given;
    let refusal: unknown;
    try {
      operation = this.#admit(given, ofRun !== undefined);
    } catch (error) {
      refusal = error;
    }
    const call = new BatchCall(operation, caller, this.#sinceFlush, ofRun);
    if (refusal === undefined) this.#queue.add(call);
    else call.failed(refusal);
  }

  /** The operation as it is to be kept. @throws CacheError for one that cannot be. */
  #admit(operation: BatchOperation<Options>, ofRun: boolean): BatchOperation<Options> {
    const { type, key } = operation;
    if (this.#closing) throw closedError(type, key);
    assertKey(key, type);
    if (!ofRun && this.pending >= this.#maxPending) {
      throw new OverloadedError(`${this.pending} operations of the batch have not settled`, {
        operation: type,
        key,
      });
    }
    if (type !== 'set') return operation;
    if (operation.value === undefined) {
      throw new EncodeError('undefined means a miss and cannot be stored', { operation: type, key });
    }
    try {
      const value = this.#barrier.in(operation.value);
      return value === operation.value ? operation : { ...operation, value };
    } catch (cause) {
      throw new EncodeError('the value cannot be kept apart from its caller', {
        operation: type,
        key,
        cause,
      });
    }
  }

  #onBatchSettled(listener: () => void): () => void {
    this.#afterBatch.add(listener);
    return () => void this.#afterBatch.delete(listener);
  }

  #nextBatch(): Promise<void> {
    this.#queue.flush();
    return new Promise((resolve) => {
      const stop = this.#onBatchSettled(() => {
        stop();
        resolve();
      });
    });
  }
}

function closedError(operation: string, key?: string): ClosedError {
  return new ClosedError(`${operation}: the batch was closed`, { operation, key });
}

function checkTarget(target: unknown): void {
  for (const method of ['get', 'set', 'delete']) {
    if (typeof target !== 'object' || target === null || typeof Reflect.get(target, method) !== 'function') {
      throw new InvalidOptionError(
        `BatchCacheManager: expected a cache or a client, got ${describeValue(target)}`,
      );
    }
  }
}
