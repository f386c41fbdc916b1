/**
 * `ok`: as production wants it. `warning`: it works, and will hurt one day. `problem`: it hurts, or will as soon as there is load.
 * `unknown`: the server does not let us ask, or nobody can tell from outside.
 */
export type Level = 'ok' | 'warning' | 'problem' | 'unknown';

/** What a check has found. */
export interface Verdict {
  readonly level: Level;
  /** With its figure. */
  readonly found: string;
  /** What follows from it, and what to do; left out where all is well. */
  readonly means?: string;
  readonly todo?: string;
  /** The figures by themselves: bytes, milliseconds, counts, and shares from 0 to 1. */
  readonly figures?: Readonly<Record<string, number>>;
}

/** A verdict with the check that gave it and the server it is about. */
export interface Finding extends Verdict {
  readonly id: string;
  /** Left out where it is about all of them. */
  readonly server?: string;
}

/** The worst first. */
export const LEVELS: readonly Level[] = ['problem', 'warning', 'unknown', 'ok'];

/** @param what - that could not be learned, as in `the policy`. @param why - what the server said. */
export function unknown(what: string, why: string): Verdict {
  return {
    level: 'unknown',
    found: `${what} cannot be learned: ${why}`,
    means: 'This check has found out nothing.',
    todo: 'Allow the user of this command INFO, CONFIG|GET, SLOWLOG|GET, ACL|GETUSER, MEMORY|USAGE and OBJECT, or look it up by hand.',
  };
}
