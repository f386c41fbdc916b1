import { delay } from '../runtime/delay.js';

/** The outcome, or undefined where it takes longer than that. */
export async function orStale<T>(loading: Promise<T>, softTimeout: number): Promise<T | undefined> {
  if (softTimeout === Infinity) return loading;
  const pause = delay(softTimeout);
  try {
    return await Promise.race([loading, pause.passed.then(() => undefined)]);
  } finally {
    pause.cancel();
  }
}
