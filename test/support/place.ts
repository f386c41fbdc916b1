import { afterAll } from 'vitest';
import { startRedisCluster, type RedisCluster } from '../../servers/redis-cluster.js';
import { waysToCluster, type WayToRedis } from './clients.js';
import { sharedRedisUrl } from './redis.js';

let cluster: Promise<RedisCluster> | undefined;

/** Where the way leads: to the server that all suites share, or to a Cluster that the suites of one file share. */
export async function placeOf(way: WayToRedis): Promise<string> {
  if (!waysToCluster.includes(way)) return sharedRedisUrl();
  cluster ??= startRedisCluster();
  return (await cluster).urls[0] as string;
}

afterAll(async () => {
  await (await cluster)?.stop();
});
