import { CacheClient } from '../client/cache-client.js';
import { clientParts, type CacheClientOptions } from '../client/client-options.js';
import { InvalidOptionError } from '../errors.js';
import type { RedisOptions } from '../redis/options.js';
import { guardedLogger } from '../runtime/logger.js';
import { rejectUnknownOptions } from '../validate.js';
import { CacheManager } from './cache-manager.js';
import { entryOptions, type EntryOptions } from './entry-options.js';

export interface CacheOptions extends CacheClientOptions, EntryOptions {
  /** A URL, options of one server, or `{ client }` with a client of yours. */
  readonly redis: RedisOptions;
}

/**
 * Makes a cache. It connects in the background: calls made before that wait for the first connection within their deadline,
 * and `getOrSet` loads if it does not come.
 *
 * @example
 * const cache = createCache({ redis: 'redis://localhost:6379', namespace: 'shop', ttl: '15m' })
 * const profile = await cache.getOrSet(`user_profile:${id}`, () => db.profile(id))
 *
 * @throws InvalidOptionError for an unknown option or a wrong value.
 */
export function createCache(options: CacheOptions): CacheManager {
  rejectUnknownOptions(
    options,
    ['redis', 'namespace', 'ttl', 'codec', 'readCodecs', 'logger'],
    'createCache',
  );
  const { redis, ...clientOptions } = options;
  if (redis === undefined)
    throw new InvalidOptionError('createCache: redis is needed, such as redis://localhost:6379');
  const defaults = entryOptions(options, {});
  const parts = clientParts(redis, clientOptions);
  const logger = guardedLogger(options.logger);
  const { port } = parts;
  port.onStateChange(({ state, previous, cause }) => {
    if (state === previous) return;
    const level = state === 'ready' || state === 'closed' ? 'info' : 'warn';
    logger[level](`Redis at ${port.address} is ${state}`, { previous, error: cause });
  });
  return new CacheManager({
    port,
    client: new CacheClient(parts),
    metrics: parts.metrics,
    logger,
    defaults,
  });
}
