import { InvalidOptionError } from '../errors.js';
import { runInBackground } from '../runtime/background.js';
import { describeValue, oneOf, rejectUnknownOptions } from '../validate.js';
import type { Caller } from './batch-call.js';
import { BatchTally } from './batch-tally.js';
import type { BatchOperation, BatchRunOptions, BatchSummary } from './batch-types.js';
import { outcomeOf } from './outcome.js';

/** What a run asks of its batch. */
export interface RunHost<O extends object> {
  /** @throws ClosedError */
  take(operation: BatchOperation<O>, caller: Caller, tally: BatchTally): void;
  /** Resolves when a further operation of the run may be taken. */
  room(tally: BatchTally): Promise<void> | undefined;
  sendAll(): void;
  /** Returns what ends that. */
  onBatchSettled(listener: () => void): () => void;
}

/** What an operation of each type consists of. */
const PARTS = {
  set: ['type', 'key', 'value', 'options'],
  get: ['type', 'key'],
  delete: ['type', 'key'],
} as const;
const TYPES = Object.keys(PARTS) as Array<keyof typeof PARTS>;

const ignore = (): void => undefined;
const NOBODY: Caller = { done: ignore, failed: ignore };

/** See `BatchCacheManager.run`. */
export async function runOperations<O extends object>(
  host: RunHost<O>,
  operations: AsyncIterable<BatchOperation<O>> | Iterable<BatchOperation<O>>,
  options: BatchRunOptions<O>,
): Promise<BatchSummary> {
  rejectUnknownOptions(options, ['onResult', 'onProgress'], 'run');
  const { onResult, onProgress } = options;
  const tally = new BatchTally();
  let thrown: { readonly error: unknown } | undefined;
  const tell = <T>(listener: (told: T) => void, told: T): void =>
    runInBackground(
      () => listener(told),
      (error) => (thrown ??= { error }),
    );
  const callerOf = (operation: BatchOperation<O>, index: number): Caller => {
    if (!onResult) return NOBODY;
    return {
      done: (value) => tell(onResult, { operation, index, outcome: 'done', value }),
      failed: (error) => tell(onResult, { operation, index, outcome: outcomeOf(error), error }),
    };
  };
  const tellProgress = onProgress ? (): void => tell(onProgress, tally.progress()) : ignore;
  const stop = host.onBatchSettled(tellProgress);
  let index = 0;
  const take = (operation: BatchOperation<O>): Promise<void> | undefined => {
    checkOperation(operation);
    host.take(operation, callerOf(operation, index++), tally);
    return host.room(tally);
  };
  try {
    // Nothing is awaited but what must be: each turn of the microtasks would cost about as much as the operation.
    if (Symbol.iterator in operations) {
      for (const operation of operations) {
        for (let room = take(operation); room; room = host.room(tally)) await room;
        if (thrown) break;
      }
    } else {
      for await (const operation of operations) {
        for (let room = take(operation); room; room = host.room(tally)) await room;
        if (thrown) break;
      }
    }
  } finally {
    host.sendAll();
    await tally.settled();
    stop();
  }
  tellProgress();
  if (thrown) throw thrown.error;
  return tally.summary();
}

function checkOperation(operation: unknown): void {
  if (typeof operation !== 'object' || operation === null) {
    throw new InvalidOptionError(`run: expected operations, got ${describeValue(operation)}`);
  }
  const type = oneOf(Reflect.get(operation, 'type'), TYPES, 'run: the type of an operation');
  rejectUnknownOptions(operation, PARTS[type], `run: the operation '${type}'`);
}
