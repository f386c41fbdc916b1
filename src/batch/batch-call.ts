import type { BatchFailure, BatchOperation } from './batch-types.js';
import type { BatchTally } from './batch-tally.js';
import { outcomeOf } from './outcome.js';

/** Who is told how an operation ended. One of the two is called, once. */
export interface Caller {
  done(value: unknown): void;
  failed(error: unknown): void;
}

/** One operation on its way, counted from the moment it was given until it settles. */
export class BatchCall<Options extends object> {
  readonly operation: BatchOperation<Options>;
  readonly #caller: Caller;
  readonly #tally: BatchTally;
  readonly #ofRun: BatchTally | undefined;

  /** @param ofRun - counts it too. */
  constructor(
    operation: BatchOperation<Options>,
    caller: Caller,
    tally: BatchTally,
    ofRun: BatchTally | undefined,
  ) {
    this.operation = operation;
    this.#caller = caller;
    this.#tally = tally;
    this.#ofRun = ofRun;
    tally.given();
    ofRun?.given();
  }

  // The caller hears of it before those who wait for all, so that a summary never comes before its parts.

  done(value: unknown): void {
    this.#caller.done(value);
    this.#tally.succeeded();
    this.#ofRun?.succeeded();
  }

  failed(error: unknown): void {
    this.#caller.failed(error);
    const { type, key } = this.operation;
    const failure: BatchFailure = { type, key, outcome: outcomeOf(error), error };
    this.#tally.failed(failure);
    this.#ofRun?.failed(failure);
  }
}
