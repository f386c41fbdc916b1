import type { Layers, Role } from '../contender.js';
import type { ContenderId } from '../contenders/index.js';
import type { Place, RoundResult } from '../workload.js';

/** What the bench asks of a contender's process; one at a time, each answered by one `Answer`. */
export type Request =
  | {
      readonly ask: 'setup';
      readonly contender: ContenderId;
      readonly workload: string;
      readonly redisUrl: string;
      readonly prefix: string;
      readonly place: Place;
    }
  | { readonly ask: 'prepare'; readonly caseIndex: number }
  | { readonly ask: 'round'; readonly seconds: number }
  | { readonly ask: 'act'; readonly request: unknown }
  | { readonly ask: 'verify' }
  | { readonly ask: 'close' };

/** Who takes part, as the process that runs it tells. */
export interface Introduction {
  readonly id: ContenderId;
  readonly name: string;
  readonly role: Role;
  /** Package to version, as installed. */
  readonly versions: Readonly<Record<string, string>>;
  /** Undefined for one that offers none of the layers asked for, and so does not take part. */
  readonly layers: Layers | undefined;
  readonly configured: string;
}

export interface Replies {
  readonly setup: Introduction;
  readonly prepare: null;
  readonly round: RoundResult;
  readonly act: unknown;
  readonly verify: number;
  readonly close: null;
}

export type Answer = { readonly reply: Replies[Request['ask']] } | { readonly error: string };
