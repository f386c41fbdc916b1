import type { ResourceId } from '../resource-id.js';
import { saveOutcomes } from '../save-outcomes.js';

/** One write as the database gets it. */
export interface StoreWrite<T = unknown> {
  readonly id: ResourceId;
  /** Undefined for a removal. */
  readonly value: T | undefined;
  /**
   * Grows with every write of an id, over all processes. A database that keeps it beside the row can refuse an older write that
   * comes late from a process that was stopped for longer than its lease: `… WHERE version < $sequence`.
   */
  readonly sequence: number;
  /** 1 for the first try. */
  readonly attempt: number;
}

/**
 * Puts writes into the database, each id at most once a call. It may be given the same write again, after a crash or where it
 * could not tell that it had succeeded, so it must be idempotent: an upsert, not an increment.
 *
 * @returns nothing where all succeeded, or in the order of the writes an `Error` for each that did not.
 * @throws where none did; they are then tried one by one, so that one bad row does not hold up the others.
 */
export type SaveBatch<T = unknown> = (
  writes: ReadonlyArray<StoreWrite<T>>,
  signal: AbortSignal,
) => Promise<ReadonlyArray<Error | undefined> | void>;

/** Tries a batch, and its rows one by one where it fails whole. Never rejects. @returns for each write why it failed, if it did. */
export async function saveAll<T>(
  save: SaveBatch<T>,
  writes: ReadonlyArray<StoreWrite<T>>,
  signal: AbortSignal,
): Promise<Array<Error | undefined>> {
  const whole = await outcomes(save, writes, signal);
  if (whole instanceof Error) {
    if (writes.length === 1) return [whole];
    const each: Array<Error | undefined> = [];
    for (const write of writes) each.push((await saveAll(save, [write], signal))[0]);
    return each;
  }
  return whole;
}

async function outcomes<T>(
  save: SaveBatch<T>,
  writes: ReadonlyArray<StoreWrite<T>>,
  signal: AbortSignal,
): Promise<Array<Error | undefined> | Error> {
  try {
    return saveOutcomes(await save(writes, signal), writes.length);
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}
