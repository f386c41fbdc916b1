import { InvalidOptionError } from '../errors.js';
import { describeValue } from '../validate.js';

export type LoadMany<Id, T> = (
  ids: readonly Id[],
) => Promise<ReadonlyArray<T | Error> | ReadonlyMap<Id, T>> | ReadonlyArray<T | Error> | ReadonlyMap<Id, T>;

interface Waiting<Id, T> {
  readonly id: Id;
  readonly resolve: (value: T) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Turns the loads of one turn of the event loop into one call, as Facebook's DataLoader does. It never waits on a timer: the
 * batch goes when all that this turn had to do is done.
 */
export class LoadBatcher<Id, T> {
  readonly #loadMany: LoadMany<Id, T>;
  readonly #maxBatch: number;
  #waiting: Array<Waiting<Id, T>> = [];

  constructor(loadMany: LoadMany<Id, T>, maxBatch: number) {
    this.#loadMany = loadMany;
    this.#maxBatch = maxBatch;
  }

  load(id: Id): Promise<T> {
    return new Promise((resolve, reject) => {
      // nextTick runs after the promises that are already settled have been followed: all answers of one read are in.
      if (this.#waiting.length === 0) process.nextTick(() => this.#flush());
      this.#waiting.push({ id, resolve, reject });
    });
  }

  #flush(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (let start = 0; start < waiting.length; start += this.#maxBatch) {
      void this.#run(waiting.slice(start, start + this.#maxBatch));
    }
  }

  /** Never rejects: what fails is told to those who wait. */
  async #run(batch: ReadonlyArray<Waiting<Id, T>>): Promise<void> {
    try {
      const ids = batch.map(({ id }) => id);
      const results = await this.#loadMany(ids);
      const valueAt = lookup(results, ids);
      for (const [i, { resolve, reject }] of batch.entries()) {
        const value = valueAt(i);
        if (value instanceof Error) reject(value);
        else resolve(value);
      }
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }
}

function lookup<Id, T>(
  results: ReadonlyArray<T | Error> | ReadonlyMap<Id, T>,
  ids: readonly Id[],
): (index: number) => T | Error {
  // A Map leaves out what does not exist, which T then has `undefined` for.
  if (results instanceof Map) return (index) => results.get(ids[index]) as T;
  if (Array.isArray(results) && results.length === ids.length) return (index) => results[index] as T | Error;
  throw new InvalidOptionError(
    `loadMany: expected a Map, or an array of ${ids.length} results in the order of the ids, got ` +
      (Array.isArray(results) ? `an array of ${results.length}` : describeValue(results)),
  );
}
