import type { KeyFailure } from '../errors.js';

/** Sorts the outcomes of many keys into values, without those that are undefined, and failures. */
export function gather<K, T>(
  keys: readonly K[],
  outcomes: ReadonlyArray<PromiseSettledResult<T>>,
  found: Map<K, T>,
  failures: Map<K, KeyFailure>,
): void {
  for (const [place, outcome] of outcomes.entries()) {
    const key = keys[place] as K;
    if (outcome.status === 'fulfilled') {
      if (outcome.value !== undefined) found.set(key, outcome.value);
      continue;
    }
    const reason: unknown = outcome.reason;
    failures.set(key, reason instanceof Error ? reason : new Error(String(reason), { cause: reason }));
  }
}
