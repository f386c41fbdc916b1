import { InvalidOptionError } from '../errors.js';
import { describeValue, oneOf } from '../validate.js';
import type { ResourceId } from './resource-id.js';
import { SaveBatcher } from './save-batcher.js';
import { saveOutcomes } from './save-outcomes.js';
import { writeBehindSettings, type WriteBehindOptions } from './write-behind/write-behind-options.js';
import type { SaveBatch, StoreWrite } from './write-behind/store.js';
import type { Sink } from './write-strategy.js';

/** When the database has a write, and what the cache does about it; see docs/guides/strategies.md. */
export type WriteMode = 'around' | 'through' | 'behind';

/** What a write to the database is told besides its value. */
export interface SaveContext {
  /**
   * With write-behind: grows with every write of an id, over all processes. Keep it beside the row and refuse lower ones, and not
   * even a process that was stopped in the middle of a write can undo a later one. Undefined otherwise.
   */
  readonly sequence: number | undefined;
  /** 1 for the first try. */
  readonly attempt: number;
  /** With write-behind aborted when the write has taken too long, and when the cache is closed. */
  readonly signal: AbortSignal | undefined;
}

/** How the things of a kind are written to the database. All of it may be left out for things that are only read. */
export interface ResourceStore<Id extends ResourceId, T> {
  /** Writes one thing. With write-behind it may be given the same write again: it must be an upsert, not an increment. */
  readonly save?: (id: Id, value: T, context: SaveContext) => unknown;
  /**
   * Writes many at once, each id once. Resolves with nothing, or in their order with an `Error` in place of each that failed;
   * rejects where all did. The writes of one turn of the event loop become one call, and those that wait with write-behind.
   */
  readonly saveMany?: (
    writes: ReadonlyArray<{ readonly id: Id; readonly value: T } & SaveContext>,
  ) => Promise<ReadonlyArray<Error | undefined> | void>;
  /** Removes one thing. */
  readonly remove?: (id: Id, context: SaveContext) => unknown;
  /** Default `through`. */
  readonly write?: WriteMode;
  /** With `write: 'behind'`. */
  readonly behind?: WriteBehindOptions;
}

/** The names, for those who take these options among others. */
export const STORE_OPTIONS = ['save', 'saveMany', 'remove', 'write', 'behind'] as const;

const AT_ONCE: SaveContext = Object.freeze({ sequence: undefined, attempt: 1, signal: undefined });
/** Calls of `save` or `remove` side by side for one batch of write-behind. */
const SIDE_BY_SIDE = 8;

/** Undefined where there is nothing to write with. @throws InvalidOptionError */
export function writeMode(store: ResourceStore<never, never>, name: string): WriteMode | undefined {
  for (const option of ['save', 'saveMany', 'remove'] as const) {
    const given: unknown = store[option];
    if (given !== undefined && typeof given !== 'function') {
      throw new InvalidOptionError(`${name}.${option}: expected a function, got ${describeValue(given)}`);
    }
  }
  const mode =
    store.write === undefined
      ? 'through'
      : oneOf(store.write, ['around', 'through', 'behind'], `${name}.write`);
  const canWrite = store.save !== undefined || store.saveMany !== undefined || store.remove !== undefined;
  if (!canWrite) {
    if (store.write === undefined && store.behind === undefined) return undefined;
    throw new InvalidOptionError(`${name}.write: needs save, saveMany or remove`);
  }
  if (mode !== 'behind' && store.behind !== undefined) {
    throw new InvalidOptionError(`${name}.behind: needs write: 'behind', got ${describeValue(store.write)}`);
  }
  if (mode === 'behind') writeBehindSettings(store.behind); // a wrong option is told here, not with the first write
  return mode;
}

/** Writes at once, for write-around and write-through. */
export function sinkOf<Id extends ResourceId, T>(store: ResourceStore<Id, T>, name: string): Sink<T> {
  const { save, saveMany, remove } = store;
  const batcher =
    saveMany &&
    new SaveBatcher<T>((writes) =>
      saveMany(writes.map(({ id, value }) => ({ id: id as Id, value, ...AT_ONCE }))),
    );
  return {
    save: async (id, value) => {
      if (batcher) await batcher.save(id, value);
      else if (save) await save(id as Id, value, AT_ONCE);
      else throw missing(name, 'save');
    },
    remove: async (id) => {
      if (!remove) throw missing(name, 'remove');
      await remove(id as Id, AT_ONCE);
    },
  };
}

/** Writes later, for write-behind. */
export function saveBatchOf<Id extends ResourceId, T>(
  store: ResourceStore<Id, T>,
  name: string,
): SaveBatch<T> {
  const { save, saveMany, remove } = store;
  return async (writes, signal) => {
    const outcomes: Array<Error | undefined> = writes.map(() => undefined);
    const singles: Array<() => Promise<void>> = [];
    const together: Array<{ at: number; write: StoreWrite<T> }> = [];
    for (const [at, write] of writes.entries()) {
      const { id, value, sequence, attempt } = write;
      const context: SaveContext = { sequence, attempt, signal };
      const note = async (work: () => unknown): Promise<void> => {
        try {
          await work();
        } catch (error) {
          outcomes[at] = error instanceof Error ? error : new Error(String(error));
        }
      };
      if (value === undefined) {
        singles.push(() =>
          note(() => {
            if (!remove) throw missing(name, 'remove');
            return remove(id as Id, context);
          }),
        );
      } else if (saveMany) together.push({ at, write });
      else {
        singles.push(() =>
          note(() => {
            if (!save) throw missing(name, 'save');
            return save(id as Id, value, context);
          }),
        );
      }
    }
    if (saveMany && together.length > 0) {
      const given = together.map(({ write: { id, value, sequence, attempt } }) => ({
        id: id as Id,
        value: value as T,
        sequence,
        attempt,
        signal,
      }));
      const results = saveOutcomes(await saveMany(given), given.length);
      for (const [i, { at }] of together.entries()) outcomes[at] = results[i];
    }
    await sideBySide(singles);
    return outcomes;
  };
}

function missing(name: string, option: 'save' | 'remove'): InvalidOptionError {
  return new InvalidOptionError(`${name}: the resource was declared without ${option}`);
}

async function sideBySide(work: ReadonlyArray<() => Promise<void>>): Promise<void> {
  let next = 0;
  const runner = async (): Promise<void> => {
    for (let each = work[next++]; each; each = work[next++]) await each();
  };
  await Promise.all(Array.from({ length: SIDE_BY_SIDE }, runner));
}
