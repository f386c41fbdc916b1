import { CacheError } from '../errors.js';
import type { BatchOutcome } from './batch-types.js';

/** Whether what failed with this error may have been carried out all the same. */
export function outcomeOf(error: unknown): Exclude<BatchOutcome, 'done'> {
  return error instanceof CacheError ? error.outcome : 'unknown';
}
