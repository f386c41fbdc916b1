import { LoadBatch, type LoadMany } from '../layers/load-batch.js';

/** One batch of loads for all that is asked for in one turn of the event loop. */
export class TurnBatches<Id, T> {
  readonly #loadMany: LoadMany<Id, T>;
  readonly #most: number;
  #open: LoadBatch<Id, T> | undefined;
  readonly #close = (): void => void (this.#open = undefined);

  /** @param most - ids in one call. */
  constructor(loadMany: LoadMany<Id, T>, most: number) {
    this.#loadMany = loadMany;
    this.#most = most;
  }

  ofThisTurn(): LoadBatch<Id, T> {
    if (!this.#open) {
      this.#open = new LoadBatch(this.#loadMany, this.#most);
      // The reads of this turn are sent then, too; see `ReadCoalescer`.
      process.nextTick(this.#close);
    }
    return this.#open;
  }
}
