import KeyvRedis, { createKeyvNonBlocking } from '@keyv/redis';
import { RedisMessageProvider } from '@qified/redis';
import { Cacheable, createKeyv } from 'cacheable';
import { Keyv } from 'keyv';
import { ignoreErrors, type BenchCache, type Contender, type Setup } from '../contender.js';

interface Variant {
  /** Whether its memory copies every value it hands out. Left out: as it comes, which is yes. */
  readonly useClone?: false;
  /** As its README advises where Redis must not hold up callers; without its notifications, whose client ends the process. */
  readonly nonBlocking?: true;
}

function options(
  { redisUrl, prefix, layers, memoryEntries }: Setup,
  { nonBlocking, useClone }: Variant,
): ConstructorParameters<typeof Cacheable>[0] {
  const store = new KeyvRedis(redisUrl, { namespace: prefix });
  const redis = new Keyv({ store, namespace: prefix, useKeyPrefix: false });
  if (layers === 'redis') return { primary: redis };
  const primary = createKeyv({ lruSize: memoryEntries, ...(useClone === false && { useClone }) });
  if (nonBlocking) {
    const secondary = createKeyvNonBlocking(redisUrl, { namespace: prefix });
    return { primary, secondary, nonBlocking };
  }
  return {
    primary,
    secondary: redis,
    namespace: prefix,
    sync: { qified: new RedisMessageProvider({ uri: redisUrl }) },
  };
}

export async function setupCacheable(setup: Setup, variant: Variant = {}): Promise<BenchCache> {
  const tags = setup.usesTags ? { tags: true } : {};
  const cache = new Cacheable({ ...options(setup, variant), ...tags, ttl: setup.ttlMs });
  // Failures come as events and are answered like misses; they show here as loads and wrong values.
  cache.on('error', ignoreErrors);
  await cache.get('connect');
  return {
    get: (key) => cache.get(key),
    async set(key, value, ttl) {
      if (!(await cache.set(key, value, ttl))) throw new Error('cacheable: set answered false');
    },
    async delete(key) {
      await cache.delete(key);
    },
    getOrSet: (key, load) => cache.getOrSet(key, load),
    getMany: (keys) => cache.getMany([...keys]),
    close: () => cache.disconnect(),
    tags: {
      // Its own getOrSet takes no tags.
      async getOrSet(key, tag, load) {
        const found: unknown = await cache.get(key);
        if (found !== undefined) return found;
        const value = await load();
        await cache.set(key, value, { ttl: setup.ttlMs, tags: [tag] });
        return value;
      },
      async invalidate(tag) {
        await cache.tags.invalidateTag(tag);
      },
    },
  };
}

export const contender: Contender = {
  name: 'cacheable',
  role: 'peer',
  packages: ['cacheable', 'keyv', '@keyv/redis', '@qified/redis'],
  configured: {
    'memory+redis':
      'new Cacheable({ primary: createKeyv({ lruSize }), secondary: Keyv over @keyv/redis, sync: { qified: RedisMessageProvider } })',
    redis:
      'new Cacheable({ primary: Keyv over @keyv/redis }): it must have a primary store, so Redis is the primary',
  },
  setup: setupCacheable,
};
