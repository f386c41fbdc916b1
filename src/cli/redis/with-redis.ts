import type { Command } from 'commander';
import { ConnectionError } from '../../errors.js';
import { jsonCodec } from '../../codec/json.js';
import { v8Codec } from '../../codec/v8.js';
import type { CacheManager } from '../../manager/cache-manager.js';
import { createCache, type CacheOptions } from '../../manager/create-cache.js';
import type { EntryOptions } from '../../manager/entry-options.js';
import { openPort } from '../../redis/open-port.js';
import type { RedisPort } from '../../redis/port.js';
import { redisOptions, type ConnectionFlags } from '../options/connection.js';
import { namespaceKeys } from '../options/namespace.js';

/**
 * Connects, has the work done, and disconnects.
 *
 * @throws CacheError where Redis cannot be reached; whatever the work throws.
 */
export async function withPort<T>(
  flags: ConnectionFlags,
  command: Command,
  work: (port: RedisPort) => Promise<T>,
): Promise<T> {
  const port = openPort(redisOptions(flags, command));
  try {
    await port.connect();
    // Nothing asked is not nothing found.
    if (port.servers.length === 0) throw new ConnectionError('no server is known yet', { sent: false });
    return await work(port);
  } finally {
    await port.close();
  }
}

/** Which part of Redis a cache is, and how its values stand there. */
export interface CacheFlags extends ConnectionFlags {
  readonly namespace: string;
  readonly plain?: boolean;
  readonly pubsub?: boolean;
}

/**
 * The same with a cache: one that keeps nothing in memory, and tells the others of what it changes as each of them does.
 *
 * @param defaults - of its entries.
 */
export async function withCache<T>(
  flags: CacheFlags,
  command: Command,
  work: (cache: CacheManager) => Promise<T>,
  defaults: EntryOptions = {},
): Promise<T> {
  const [outermost = '', ...within] = namespaceKeys(flags.namespace).path;
  const options: CacheOptions = {
    ...defaults,
    redis: redisOptions(flags, command),
    namespace: outermost,
    memory: false,
    ...(flags.plain ? { format: 'plain' } : { readCodecs: [jsonCodec(), v8Codec()] }),
    ...(flags.pubsub && { coherence: 'pubsub' }),
  };
  const root = createCache(options);
  try {
    await root.ready();
    let cache: CacheManager = root;
    for (const name of within) cache = cache.namespace(name);
    return await work(cache);
  } finally {
    await root.close();
  }
}
