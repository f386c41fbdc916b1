import { startRedisCluster } from '../../servers/redis-cluster.js';
import type { Resource } from '../workload.js';

/** A Redis Cluster of so many primaries, without replicas. Its commands are counted. */
export function redisCluster(primaries: number): Resource {
  return async () => {
    // One that has met no other does not know its own address, and tells clients none.
    const node = { config: { 'cluster-announce-ip': '127.0.0.1' } };
    const started = await startRedisCluster({ primaries, replicas: 0, node });
    return {
      url: started.urls.join(','),
      servers: started.nodes,
      [Symbol.asyncDispose]: () => started.stop(),
    };
  };
}
