import { afterAll } from 'vitest';
import type { RedisSentinelOptions } from 'tiercel';
import { rawAddress } from '../../servers/raw-redis.js';
import { startRedis, type RedisServer } from '../../servers/redis.js';

const sentinels = new Map<string, Promise<RedisServer>>();

afterAll(async () => {
  const started = await Promise.all(sentinels.values());
  sentinels.clear();
  await Promise.all(started.map((sentinel) => sentinel.stop()));
});

/** The server at the URL by way of a sentinel of its own, one for all of a file, that only ever names it. */
export async function sentinelFor(url: string): Promise<RedisSentinelOptions> {
  const { host, port, username, password } = rawAddress(url);
  // More sentinels would have to agree than there are, so it stays the primary whatever happens to it.
  const start = (): Promise<RedisServer> => startRedis({ sentinel: [`monitor main ${host} ${port} 9`] });
  const sentinel = await (sentinels.get(url) ?? sentinels.set(url, start()).get(url));
  if (!sentinel) throw new Error('no sentinel was started');
  return {
    sentinel: { name: 'main', nodes: [{ host: sentinel.host, port: sentinel.port }] },
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
  };
}
