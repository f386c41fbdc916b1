import { setImmediate as turn } from 'node:timers/promises';

/** Runs the work and returns every rejection that nobody handled meanwhile. */
export async function unhandledRejections(work: () => Promise<void>): Promise<unknown[]> {
  const seen: unknown[] = [];
  const note = (reason: unknown): void => void seen.push(reason);
  process.on('unhandledRejection', note);
  try {
    await work();
    // They are told after the turn in which they happened.
    await turn();
    await turn();
  } finally {
    process.off('unhandledRejection', note);
  }
  return seen;
}
