import { CacheError } from '../errors.js';

/** Redis failed where the read can do without it. Told apart from what a loader throws, which may be a `CacheError` too. */
export class RedisAway extends Error {
  override readonly cause: CacheError;

  constructor(cause: CacheError) {
    super(cause.message);
    this.cause = cause;
  }
}

/** The outcome, with failures of Redis marked as such. */
export async function askRedis<T>(asking: Promise<T>): Promise<T> {
  try {
    return await asking;
  } catch (error) {
    throw error instanceof CacheError ? new RedisAway(error) : error;
  }
}
