import { AuthenticationError, CacheError, ConnectionError, ServerError } from '../errors.js';

/** What a client threw, as one of ours. */
export function toCacheError(error: unknown, isReply: boolean, address: string): CacheError {
  if (error instanceof CacheError) return error;
  const message = error instanceof Error ? error.message || error.name : String(error);
  if (!isReply)
    return new ConnectionError(`no connection to Redis at ${address}: ${message}`, { cause: error });
  if (/^(WRONGPASS|NOAUTH|NOPERM|ERR AUTH|ERR invalid password)/.test(message)) {
    return new AuthenticationError(`Redis at ${address} refused the user: ${message}`, { cause: error });
  }
  return new ServerError(`Redis at ${address} answered: ${message}`, { cause: error });
}

/** Whether the server's answer begins with this word, such as `NOSCRIPT` or `WRONGTYPE`. */
export function answersWith(error: unknown, word: string): boolean {
  return error instanceof CacheError && error.cause instanceof Error && error.cause.message.startsWith(word);
}
