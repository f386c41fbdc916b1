import type { Role } from '../contender.js';
import type { RoundResult } from '../workload.js';

/** What the bench asks of a contender's process; one at a time, each answered by one `Answer`. */
export type Request =
  | {
      readonly ask: 'setup';
      readonly contender: string;
      readonly workload: string;
      readonly redisUrl: string;
      readonly prefix: string;
    }
  | { readonly ask: 'prepare'; readonly caseIndex: number }
  | { readonly ask: 'round'; readonly seconds: number }
  | { readonly ask: 'verify' }
  | { readonly ask: 'close' };

/** Who takes part, as the process that runs it tells. */
export interface Introduction {
  readonly id: string;
  readonly name: string;
  readonly role: Role;
  /** Package to version, as installed. */
  readonly versions: Readonly<Record<string, string>>;
  readonly configured: string;
}

export interface Replies {
  readonly setup: Introduction;
  readonly prepare: null;
  readonly round: RoundResult;
  readonly verify: number;
  readonly close: null;
}

export type Answer = { readonly reply: Replies[Request['ask']] } | { readonly error: string };
