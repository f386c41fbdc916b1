import { setTimeout as pause } from 'node:timers/promises';

/**
 * Asks again until the answer is not undefined and not false. For what another process does in its own time, such as expiry.
 *
 * @param limit - milliseconds; after that it fails with `what`.
 */
export async function eventually<T>(
  what: string,
  ask: () => Promise<T | undefined | false> | T | undefined | false,
  limit = 5000,
): Promise<T> {
  const until = performance.now() + limit;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    if (performance.now() > until) throw new Error(`not within ${limit} ms: ${what}`);
    await pause(5);
  }
}
