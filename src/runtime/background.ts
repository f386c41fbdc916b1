/**
 * Runs work that nobody awaits. All such work goes through here, so that no rejection is ever left unhandled:
 * Node ends the process on one, and a cache must not take the application with it.
 *
 * @param work A promise, or a function that starts the work; the function is called at once, and what it
 *   throws synchronously is reported like a rejection.
 * @param onError Called once when the work fails. What `onError` itself throws is dropped: there is nobody
 *   left to be told.
 */
export function runInBackground(
  work: PromiseLike<unknown> | (() => unknown),
  onError: (error: unknown) => void,
): void {
  void settle(work, onError);
}

/** Never rejects. */
async function settle(
  work: PromiseLike<unknown> | (() => unknown),
  onError: (error: unknown) => void,
): Promise<void> {
  try {
    await (typeof work === 'function' ? work() : work);
  } catch (error) {
    try {
      onError(error);
    } catch {
      // See above.
    }
  }
}
