import { AuthenticationError, type CacheError, ConnectionError, MissingPeerError } from '../errors.js';
import type { RedisLink } from './link.js';

/**
 * Resolves when the link is ready. Rejects with the last attempt's error after `maxRetries` further ones, or at once where
 * trying again would not help; and after `connectTimeout`.
 */
export function untilReady(
  link: RedisLink,
  address: string,
  { connectTimeout, maxRetries }: { readonly connectTimeout: number; readonly maxRetries: number },
): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (error?: CacheError): void => {
      clearTimeout(timer);
      stop();
      if (error) reject(error);
      else resolve();
    };
    const look = (): void => {
      if (link.state === 'ready') settle();
      else if (link.state === 'closed') settle(link.cause);
      else if (isHopeless(link.cause)) settle(link.cause);
      else if (link.failedAttempts > maxRetries) settle(link.cause);
    };
    const timer = setTimeout(() => {
      const message = `Redis at ${address} could not be reached within ${connectTimeout} ms`;
      settle(new ConnectionError(message, { cause: link.cause }));
    }, connectTimeout);
    const stop = link.onStateChange(look);
    look();
  });
}

/** Trying again would not help. */
export function isHopeless(cause: CacheError | undefined): boolean {
  return cause instanceof AuthenticationError || cause instanceof MissingPeerError;
}
