/** How long to wait before trying again. All times in milliseconds. */
export interface BackoffOptions {
  /** The ceiling of the first delay. Default 100. */
  readonly base?: number;
  /** No delay is longer. Default 2000. */
  readonly cap?: number;
  /** The ceiling grows by this from one attempt to the next. Default 2. */
  readonly factor?: number;
  /**
   * `full` (default) draws from zero to the ceiling and spreads a crowd best; `equal` draws from the upper half, for
   * callers that must be sure of some pause.
   */
  readonly jitter?: 'full' | 'equal';
  /** A number from 0 up to, not including, 1. Default `Math.random`. */
  readonly random?: () => number;
}

/** The delay in whole milliseconds before the retry that follows `attempt` earlier retries: 0 for the first. */
export type Backoff = (attempt: number) => number;

/**
 * Exponential backoff with jitter, after Marc Brooker, "Exponential Backoff And Jitter" (AWS Architecture Blog,
 * 2015). Without jitter, clients that failed together come back together, and fail again.
 *
 * It keeps no state: one function may serve any number of callers.
 */
export function backoff(options: BackoffOptions = {}): Backoff {
  const { base = 100, cap = 2000, factor = 2, jitter = 'full', random = Math.random } = options;
  const surePart = jitter === 'equal' ? 0.5 : 0;
  return (attempt) => {
    // The power overflows to Infinity after a thousand attempts or so, which the cap then absorbs.
    const ceiling = Math.min(cap, base * factor ** Math.max(0, attempt));
    return Math.round(ceiling * (surePart + (1 - surePart) * random()));
  };
}
