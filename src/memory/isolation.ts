import { freezeDeep } from './freeze-deep.js';
import type { Isolation } from './memory-store.js';

/** What stands between the callers who share a value; see {@link Isolation} for the ways. */
export interface Barrier {
  /** The value as it is to be kept. */
  in<T>(value: T): T;
  /** A kept value as a caller gets it. */
  out<T>(value: T): T;
}

const same = <T>(value: T): T => value;

export const NO_BARRIER: Barrier = { in: same, out: same };

export function barrier(isolation: Isolation): Barrier {
  switch (isolation) {
    case 'freeze':
      return { in: freezeDeep, out: same };
    case 'clone':
      return { in: structuredClone, out: structuredClone };
    default:
      return NO_BARRIER;
  }
}
