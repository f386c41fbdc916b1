import { CacheError, ConnectionError, DeadlineError } from '../errors.js';
import type { BatchOutcome } from './batch-types.js';

/** Whether what failed with this error may have been carried out all the same. */
export function outcomeOf(error: unknown): Exclude<BatchOutcome, 'done'> {
  if (error instanceof DeadlineError) return 'unknown';
  if (error instanceof ConnectionError) return error.sent ? 'unknown' : 'not-done';
  return error instanceof CacheError ? 'not-done' : 'unknown';
}
