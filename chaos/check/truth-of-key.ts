import { lifeName, OUTSIDE, ttlOf, type Bounds, type History, type Write } from '../history.js';
import type { Disturbances } from './disturbances.js';

/** One value of a key, in the order in which the truth had them. */
export interface Version {
  readonly token: string;
  /** Missing for that of the start. */
  readonly write: Write | undefined;
  /** The first moment from which every process may be expected to know that older ones are no more. Infinity: never. */
  readonly effective: number;
}

/** What can be said about the values of one key from what was seen from outside. */
export class TruthOfKey {
  readonly key: string;
  readonly versions: readonly Version[];
  readonly #places = new Map<string, number>();

  constructor(
    key: string,
    writes: ReadonlyMap<string, Write>,
    history: History,
    bounds: Bounds,
    disturbances: Disturbances,
  ) {
    this.key = key;
    this.versions = (history.order.get(key) ?? []).map((token, place) => {
      this.#places.set(token, place);
      const write = writes.get(token);
      return { token, write, effective: write ? effective(write, history, bounds, disturbances) : -Infinity };
    });
  }

  placeOf(token: string): number | undefined {
    return this.#places.get(token);
  }
}

/**
 * When a write was certainly known to Redis. One that was not disturbed: when its caller was told. One that was: when its process is
 * well again and has replayed it (P6). One that the database failed, and one whose process died before that: when the entry it was to replace is past its time.
 */
function effective(write: Write, history: History, bounds: Bounds, disturbances: Disturbances): number {
  const { worker, begin, end, ok } = write;
  const died = history.deaths.get(lifeName(write));
  const ttl = ttlOf(write.key, bounds);
  if (end === undefined) return (died ?? Infinity) + ttl + bounds.hop;
  // Outside of workers nothing is replayed: what failed has told nobody.
  if (worker === OUTSIDE) {
    if (!ok) return Infinity;
    // A primary that is about to be replaced confirms what its successor will not have, and nobody tells that again (0023).
    const isDoubtful = history.failsOver && disturbances.touching(OUTSIDE, begin, end).length > 0;
    return isDoubtful ? end + ttl + bounds.hop : end;
  }
  // The database may carry out what it was told after its caller has given up and had the key forgotten.
  if (write.saveFailed) return disturbances.over(worker, end) + ttl + bounds.hop;
  const slow = end - begin > bounds.commandTimeout / 2;
  if (ok && !slow && disturbances.touching(worker, begin, end).length === 0) return end;
  // A deadline that passed without a fault: the next connection, or the next sign of life, makes up for it.
  const told = disturbances.over(worker, end + (slow || !ok ? 2 * bounds.margin : 0));
  return died !== undefined && died < told ? end + ttl + bounds.hop : told;
}
