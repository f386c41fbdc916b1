/** How one who waits for somebody else's load asks whether it is over: the first pause, in milliseconds, and how pauses grow. */
export interface LeasePolling {
  readonly first: number;
  readonly growth: number;
}

/** Where the server tells of changes, asking is for what may not have been told. */
export const TOLD: LeasePolling = { first: 40, growth: 2 };

/**
 * Where nobody tells, asking is the only way. A pause that is about a fifth of the time waited so far makes the answer late by
 * a share of what the load took, and a long load is still asked for a few dozen times only.
 */
export const NOT_TOLD: LeasePolling = { first: 5, growth: 1.2 };

const LONGEST = 250;

/** The pause after one of `pause` milliseconds. */
export function longerPause(pause: number, { growth }: LeasePolling): number {
  return Math.min(pause * growth, LONGEST);
}
