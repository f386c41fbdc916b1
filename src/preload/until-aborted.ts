import { runInBackground } from '../runtime/background.js';

/** A load that ignores its signal must not keep `stop` waiting. */
export function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
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
