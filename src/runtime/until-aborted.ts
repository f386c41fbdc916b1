import { runInBackground } from './background.js';

/** The promise's outcome, or the signal's reason. What arrives after that goes to `onLate`. */
export function untilAborted<T>(
  promise: Promise<T>,
  signal: AbortSignal,
  onLate?: (value: T) => void,
): Promise<T> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) reject(signal.reason as Error);
    const abort = (): void => reject(signal.reason as Error);
    signal.addEventListener('abort', abort, { once: true });
    promise.then(
      (value) => {
        signal.removeEventListener('abort', abort);
        if (signal.aborted) onLate?.(value);
        resolve(value);
      },
      (error: unknown) => {
        signal.removeEventListener('abort', abort);
        reject(error);
      },
    );
  });
}

/** The same of a stream, which may hang between any two of its items. It is told to end, and waited for unless aborted. */
export async function* eachUntilAborted<T>(
  stream: AsyncGenerator<T, void>,
  signal: AbortSignal,
): AsyncGenerator<T, void> {
  try {
    for (;;) {
      const next = await untilAborted(stream.next(), signal);
      if (next.done) return;
      yield next.value;
    }
  } finally {
    const ending = stream.return();
    if (signal.aborted) runInBackground(ending, () => undefined);
    else await ending;
  }
}
