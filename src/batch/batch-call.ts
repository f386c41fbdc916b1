import type { BatchOperation } from './batch-types.js';
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
  readonly #tallies: readonly BatchTally[];

  constructor(operation: BatchOperation<Options>, caller: Caller, tallies: readonly BatchTally[]) {
    this.operation = operation;
    this.#caller = caller;
    this.#tallies = tallies;
    for (const tally of tallies) tally.given();
  }

  // The caller hears of it before those who wait for all, so that a summary never comes before its parts.

  done(value: unknown): void {
    this.#caller.done(value);
    for (const tally of this.#tallies) tally.succeeded();
  }

  failed(error: unknown): void {
    this.#caller.failed(error);
    const { type, key } = this.operation;
    for (const tally of this.#tallies) tally.failed({ type, key, outcome: outcomeOf(error), error });
  }
}
