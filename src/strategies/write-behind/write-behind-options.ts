import { parseDuration, type Duration } from '../../duration.js';
import { InvalidOptionError } from '../../errors.js';
import { positiveInteger, rejectUnknownOptions } from '../../validate.js';

/** How a resource with `write: 'behind'` brings its writes to the database. */
export interface WriteBehindOptions {
  /** Writes in one call of `saveMany`. Default 100. */
  readonly batchSize?: number;
  /**
   * Parts that the queue is split into, by id: so many calls of the store may run side by side, over all processes. The order of
   * an id's writes is kept. Every process must have the same number. 1 to 256, default 4.
   */
  readonly partitions?: number;
  /** Writes that may wait for the database; one more id is refused with an `OverloadedError`. Default 100,000. */
  readonly maxPending?: number;
  /** How long the oldest may have waited before further ids are refused. Default: for ever. */
  readonly maxAge?: Duration;
  /** How long a process that dies holds up its partitions before another takes over. Default 10 s. */
  readonly lease?: Duration;
  /** How often a process looks at an empty partition of its own for writes of others. Default 50 ms. */
  readonly pollInterval?: Duration;
  /** Tries before a write becomes a dead letter. Default 8, which with the default pauses is about a minute. */
  readonly maxAttempts?: number;
  /** Pause before a write is tried again: doubles from `min` to `max`, with jitter. Default 200 ms to 30 s. */
  readonly retryDelay?: { readonly min?: Duration; readonly max?: Duration };
  /**
   * How long a call of the store may take. Its signal is then aborted, and its writes count as refused. A store that goes on all
   * the same may complete after a newer write; `sequence` lets the database refuse that. Default 30 s.
   */
  readonly saveTimeout?: Duration;
  /** How long `close()` goes on bringing writes to the database. What is left stays in Redis. Default 5 s. */
  readonly closeTimeout?: Duration;
}

/** Checked and complete, in milliseconds. */
export interface WriteBehindSettings {
  readonly batchSize: number;
  readonly partitions: number;
  readonly maxPending: number;
  readonly maxAge: number;
  readonly lease: number;
  readonly pollInterval: number;
  readonly maxAttempts: number;
  readonly retryDelay: { readonly min: number; readonly max: number };
  readonly saveTimeout: number;
  readonly closeTimeout: number;
}

const OPTIONS: ReadonlyArray<keyof WriteBehindOptions> = [
  'batchSize',
  'partitions',
  'maxPending',
  'maxAge',
  'lease',
  'pollInterval',
  'maxAttempts',
  'retryDelay',
  'saveTimeout',
  'closeTimeout',
];
const LONGEST_TIMER = 2 ** 31 - 1;

/** @throws InvalidOptionError */
export function writeBehindSettings(options: WriteBehindOptions = {}): WriteBehindSettings {
  rejectUnknownOptions(options, OPTIONS, 'behind');
  if (options.retryDelay !== undefined) {
    rejectUnknownOptions(options.retryDelay, ['min', 'max'], 'behind.retryDelay');
  }
  const retryDelay = {
    min: span(options.retryDelay?.min, 200, 'retryDelay.min'),
    max: span(options.retryDelay?.max, 30_000, 'retryDelay.max'),
  };
  if (retryDelay.min > retryDelay.max) {
    throw new InvalidOptionError(
      `behind.retryDelay: min (${retryDelay.min} ms) is above max (${retryDelay.max} ms)`,
    );
  }
  return {
    batchSize: count(options.batchSize, 100, 'batchSize', 10_000),
    partitions: count(options.partitions, 4, 'partitions', 256),
    maxPending: count(options.maxPending, 100_000, 'maxPending'),
    maxAge:
      options.maxAge === undefined || options.maxAge === Infinity
        ? Infinity
        : span(options.maxAge, Infinity, 'maxAge'),
    lease: span(options.lease, 10_000, 'lease', 100),
    pollInterval: span(options.pollInterval, 50, 'pollInterval'),
    maxAttempts: count(options.maxAttempts, 8, 'maxAttempts'),
    retryDelay,
    saveTimeout: span(options.saveTimeout, 30_000, 'saveTimeout'),
    closeTimeout: span(options.closeTimeout, 5000, 'closeTimeout', 0),
  };
}

function span(value: Duration | undefined, fallback: number, name: string, min = 1): number {
  return value === undefined ? fallback : parseDuration(value, `behind.${name}`, { min, max: LONGEST_TIMER });
}

function count(value: number | undefined, fallback: number, name: string, max?: number): number {
  return positiveInteger(value ?? fallback, `behind.${name}`, { min: 1, ...(max !== undefined && { max }) });
}
