import { startRedisCluster } from '../../servers/redis-cluster.js';
import { startRedis, type RedisServer } from '../../servers/redis.js';
import type { TextReply } from '../../servers/raw-redis.js';
import { waysToCluster, type WayToRedis } from './clients.js';

/** What a way leads to, of a suite's own: one server, or all the nodes of a Cluster, which share one fate here. */
export interface Servers {
  /** Of any of them. */
  readonly url: string;
  freeze(): Promise<void>;
  thaw(): Promise<void>;
  kill(): Promise<void>;
  /** Resolves when they serve again. */
  restart(): Promise<void>;
  /** The same command to each. */
  cli(...args: string[]): Promise<TextReply[]>;
  stop(): Promise<void>;
}

export async function serversOf(way: WayToRedis): Promise<Servers> {
  if (!waysToCluster.includes(way)) {
    const server = await startRedis();
    return all([server], async () => undefined);
  }
  // However long the nodes are frozen, none of them finds another failed.
  const cluster = await startRedisCluster({ replicas: 0, nodeTimeout: 10_000 });
  return all(cluster.nodes, () => cluster.untilWell());
}

function all(servers: readonly RedisServer[], untilWell: () => Promise<void>): Servers {
  const each = <R>(work: (server: RedisServer) => Promise<R>): Promise<R[]> => Promise.all(servers.map(work));
  const [{ url }] = servers as readonly [RedisServer];
  return {
    url,
    freeze: async () => void (await each((server) => server.freeze())),
    thaw: async () => void (await each((server) => server.thaw())),
    kill: async () => void (await each((server) => server.kill())),
    restart: async () => {
      await each((server) => server.restart());
      await untilWell();
    },
    cli: (...args) => each((server) => server.cli(...args)),
    stop: async () => void (await each((server) => server.stop())),
  };
}
