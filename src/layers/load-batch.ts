import { InvalidOptionError } from '../errors.js';
import { describeValue } from '../validate.js';
import type { LoadContext } from './load.js';
import type { LoadRound } from './single-flight.js';

/** What a loader of many is told, and may say of each. */
export interface LoadManyContext<Id> {
  /** What a loader of one is told, and may say, for one of the ids: its stale value, its `setTtl`, `setTags` and `skip`. */
  readonly of: (id: Id) => LoadContext;
  /** Aborted when the loads of all the ids are: when every caller has left, or they pass their hard timeout. */
  readonly signal: AbortSignal;
}

/**
 * Loads many at once: the values in the order of the ids, an `Error` in place of one that failed, `undefined` in place of one
 * that does not exist; or a Map from id to value or error.
 */
export type LoadMany<Id, T> = (
  ids: readonly Id[],
  context: LoadManyContext<Id>,
) =>
  | Promise<ReadonlyArray<T | Error> | ReadonlyMap<Id, T | Error>>
  | ReadonlyArray<T | Error>
  | ReadonlyMap<Id, T | Error>;

interface Waiting<T> {
  readonly context: LoadContext;
  readonly resolve: (value: T) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * One call for the loads of what was asked for together. A load that wants to run says so and waits; the call goes when
 * each that entered has said whether it loads now, and so for all of them at once, however many replies of Redis that takes.
 * It waits for nobody else and never on a timer. What comes later, such as a refresh behind a stale answer, goes by itself at the
 * end of its turn.
 */
export class LoadBatch<Id, T> implements LoadRound {
  readonly #loadMany: LoadMany<Id, T>;
  readonly #most: number;
  #undecided = 0;
  /** One id may be loaded twice at once: when its key was invalidated between two callers. Both began before this call. */
  #waiting = new Map<Id, Array<Waiting<T>>>();

  /** @param most - ids in one call. */
  constructor(loadMany: LoadMany<Id, T>, most: number) {
    this.#loadMany = loadMany;
    this.#most = most;
  }

  enter(): void {
    this.#undecided++;
  }

  leave(): void {
    this.#undecided--;
    if (this.#undecided === 0) this.#flush();
  }

  /** To be called by the loader of one of the ids, before it leaves. */
  load(id: Id, context: LoadContext): Promise<T> {
    return new Promise((resolve, reject) => {
      // nextTick runs after the promises that are already settled have been followed: all answers of one read are in.
      if (this.#undecided === 0 && this.#waiting.size === 0) process.nextTick(() => this.#flush());
      const waiting = this.#waiting.get(id);
      if (waiting) waiting.push({ context, resolve, reject });
      else this.#waiting.set(id, [{ context, resolve, reject }]);
    });
  }

  #flush(): void {
    if (this.#undecided > 0 || this.#waiting.size === 0) return;
    const waiting = [...this.#waiting];
    this.#waiting = new Map();
    for (let start = 0; start < waiting.length; start += this.#most) {
      void this.#run(new Map(waiting.slice(start, start + this.#most)));
    }
  }

  /** Never rejects: what fails is told to those who wait. */
  async #run(batch: ReadonlyMap<Id, ReadonlyArray<Waiting<T>>>): Promise<void> {
    const ids = [...batch.keys()];
    try {
      const valueAt = lookup(await this.#loadMany(ids, contextOf(batch)), ids);
      let place = 0;
      for (const waiting of batch.values()) {
        const value = valueAt(place++);
        for (const { resolve, reject } of waiting) {
          if (value instanceof Error) reject(value);
          else resolve(value);
        }
      }
    } catch (error) {
      for (const waiting of batch.values()) for (const { reject } of waiting) reject(error);
    }
  }
}

function contextOf<Id, T>(batch: ReadonlyMap<Id, ReadonlyArray<Waiting<T>>>): LoadManyContext<Id> {
  let controller: AbortController | undefined;
  return {
    of: (id) => {
      const context = batch.get(id)?.at(-1)?.context;
      if (!context) throw new InvalidOptionError(`loadMany: ${describeValue(id)} is none of these ids`);
      return context;
    },
    get signal() {
      if (controller) return controller.signal;
      const made = (controller = new AbortController());
      const signals = [...batch.values()].flatMap((waiting) => waiting.map(({ context }) => context.signal));
      let running = signals.length;
      for (const signal of signals) {
        const ended = (): void => {
          if (--running === 0) made.abort(signal.reason);
        };
        if (signal.aborted) ended();
        else signal.addEventListener('abort', ended, { once: true });
      }
      return made.signal;
    },
  };
}

function lookup<Id, T>(
  results: ReadonlyArray<T | Error> | ReadonlyMap<Id, T | Error>,
  ids: readonly Id[],
): (place: number) => T | Error {
  // A Map leaves out what does not exist, which T then has `undefined` for.
  if (results instanceof Map) return (place) => results.get(ids[place]) as T | Error;
  if (Array.isArray(results) && results.length === ids.length) return (place) => results[place] as T | Error;
  throw new InvalidOptionError(
    `loadMany: expected a Map, or an array of ${ids.length} results in the order of the ids, got ` +
      (Array.isArray(results) ? `an array of ${results.length}` : describeValue(results)),
  );
}
