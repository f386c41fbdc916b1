/**
 * How old a value may be, and what to do with one of a given age. Nothing here asks Redis or the time.
 *
 * Ages are differences of two readings of the server's clock, each behind it by up to a round trip: an entry may be taken for
 * younger than it is by that much, and never by more.
 */

/** All in milliseconds but `jitter` and `earlyRefresh`. */
export interface FreshnessOptions {
  /** How long a value is fresh: a whole number of at least 1, or `Infinity`. */
  readonly ttl: number;
  /** How long after `ttl` a value is still given out at once, while one load replaces it (RFC 5861). */
  readonly staleWhileRevalidate: number;
  /** How long after `ttl` a value stands in for a load that failed (RFC 5861). */
  readonly staleIfError: number;
  /** The share of `ttl`, 0 to 1, that is at most taken off at random, so that what was stored together does not expire together. */
  readonly jitter: number;
  /**
   * How eagerly a value is replaced before it expires: the beta of XFetch. 0 is never, 1 is the best choice where loads take
   * about as long as they did before, and more is earlier.
   */
  readonly earlyRefresh: number;
}

/** What nobody chose; a `ttl` has to be. */
export const DEFAULT_FRESHNESS: Omit<FreshnessOptions, 'ttl'> = Object.freeze({
  staleWhileRevalidate: 0,
  staleIfError: 0,
  jitter: 0.1,
  earlyRefresh: 0,
});

/** The times of one entry, in whole milliseconds; the first two as its header has them. */
export interface Lifetimes {
  /** How long it is fresh; undefined: for ever. */
  readonly freshFor: number | undefined;
  /** How long it may be used at all; undefined: as long as it is fresh. */
  readonly usableFor: number | undefined;
  /** How long Redis is to keep it; `Infinity`: for ever. */
  readonly keepFor: number;
}

/** Draws the times of an entry that is about to be stored. It is never fresh for longer than `ttl`. */
export function lifetimes(options: FreshnessOptions, random: () => number = Math.random): Lifetimes {
  const { ttl, staleWhileRevalidate, staleIfError, jitter } = options;
  if (ttl === Infinity) return { freshFor: undefined, usableFor: undefined, keepFor: Infinity };
  // Redis refuses an expiry of 0, and a jitter of 1 may leave nothing.
  const freshFor = Math.max(1, Math.floor(ttl * (1 - jitter * random())));
  const staleFor = Math.max(staleWhileRevalidate, staleIfError);
  const keepFor = freshFor + staleFor;
  return { freshFor, usableFor: staleFor > 0 ? keepFor : undefined, keepFor };
}

/**
 * - `fresh`: give it out.
 * - `early`: fresh, and yet it is time to load another in the background.
 * - `revalidate`: stale; give it out, and load another in the background.
 * - `only-on-error`: stale; load, and give it out only if that fails.
 * - `expired`: of no use.
 */
export type Verdict = 'fresh' | 'early' | 'revalidate' | 'only-on-error' | 'expired';

/** Whether it is given out at once. */
export function isServed(verdict: Verdict): boolean {
  return verdict === 'fresh' || verdict === 'early' || verdict === 'revalidate';
}

/** What of an entry's header the verdict depends on; see `EntryHeader`. */
export interface Aging {
  /** Server time in milliseconds. */
  readonly createdAt: number;
  readonly freshFor: number | undefined;
  readonly usableFor: number | undefined;
  /** Microseconds. */
  readonly cost: number | undefined;
}

/**
 * What to do with an entry now. Its header says until when it may be used, whatever the reader's windows; a reader with
 * shorter windows than the writer's keeps to its own.
 *
 * Nothing is allocated, and chance is asked only shortly before the entry expires.
 *
 * @param now - server time in milliseconds.
 */
export function judge(
  entry: Aging,
  options: Pick<FreshnessOptions, 'staleWhileRevalidate' | 'staleIfError' | 'earlyRefresh'>,
  now: number,
  random: () => number = Math.random,
): Verdict {
  const { freshFor, usableFor } = entry;
  const age = now - entry.createdAt;
  if (usableFor !== undefined && age >= usableFor) return 'expired';
  if (freshFor === undefined) return 'fresh';
  const left = freshFor - age;
  if (left > 0) return isDueEarly(left, entry.cost, options.earlyRefresh, random) ? 'early' : 'fresh';
  if (usableFor === undefined) return 'expired';
  if (-left < options.staleWhileRevalidate) return 'revalidate';
  if (-left < options.staleIfError) return 'only-on-error';
  return 'expired';
}

/** -ln of the least number above 0 that `Math.random` draws, 2^-53, rounded up. */
const LONGEST_DRAW = 37;

/**
 * XFetch: A. Vattani, F. Chierichetti, K. Lowenstein, "Optimal Probabilistic Cache Stampede Prevention", VLDB 2015. Load again
 * when `now - delta * beta * ln(random)` reaches the expiry, delta being what the last load took. Readers need not agree with
 * each other: with an exponential distribution the first of them is early enough, and hardly ever more than a few are.
 *
 * @param left - milliseconds until it expires.
 */
function isDueEarly(left: number, cost: number | undefined, beta: number, random: () => number): boolean {
  if (cost === undefined || beta === 0) return false;
  const scale = (cost / 1000) * beta;
  return left < scale * LONGEST_DRAW && left <= -scale * Math.log(random());
}
