import { clusterTarget } from '../cluster/cluster-options.js';
import { ClusterPort } from '../cluster/cluster-port.js';
import type { NodeAddress } from '../cluster/redirection.js';
import { ConnectionError, InvalidOptionError } from '../errors.js';
import type { Driver, Tracking } from './connection.js';
import { Listener } from './listener.js';
import { userCluster } from './drivers/user-cluster.js';
import { userIoredisListener, type IoredisLike } from './drivers/user-ioredis.js';
import { canListen, userNodeRedisListener } from './drivers/user-node-redis.js';
import { defaultDriver, has, isNodeRedis, portTiming } from './open-port.js';
import {
  serverAddress,
  type RedisOptions,
  type RedisSentinelOptions,
  type RedisServerOptions,
  type ServerAddress,
} from './options.js';
import { sentinelDriver } from './sentinel/sentinel-driver.js';
import { sentinelSettings } from './sentinel/sentinel-options.js';
import { shardSettings } from './shard-options.js';
import type { RedisPort } from './port.js';

/**
 * Where changes can be heard of: on the connections that read, in order with their replies, or on one apart.
 *
 * - `reads`: what the server tells of keys that were read.
 * - `prefixes`: what it tells of all keys of a namespace.
 * - `channel`: what others publish. Always apart: one subscription does for any number of connections that read, and a flood
 *   of messages does not hold up the replies.
 */
export interface Hearing {
  readonly reads: Place | undefined;
  readonly prefixes: Place | undefined;
  readonly channel: Place | undefined;
}

interface Place {
  readonly where: 'on the port' | 'apart';
  /** Whether what is written through the port is told as well, as if others had done it. */
  readonly echoes: boolean;
}

const ON_THE_PORT = { where: 'on the port' } as const;
const APART = { where: 'apart' } as const;

const SERVER: Hearing = {
  reads: { ...ON_THE_PORT, echoes: false },
  // Redis 7 tells of what a script has written although it was asked not to (`NOLOOP`).
  prefixes: { ...ON_THE_PORT, echoes: true },
  channel: { ...APART, echoes: false },
};
const NOTHING: Hearing = { reads: undefined, prefixes: undefined, channel: undefined };

/** How what the option says can hear of changes. */
export function hearing(redis: RedisOptions): Hearing {
  // What is wrong with the option itself, opening says.
  if (typeof redis !== 'object' || redis === null || !('client' in redis)) return SERVER;
  const { client } = redis;
  const cluster = userCluster(client);
  if (cluster) return cluster.canTrack ? SERVER : NOTHING;
  const canDuplicate = has(client, 'duplicate');
  return {
    // The application writes through its client too, so the server cannot be asked to keep to itself what was written there.
    reads: canListen(client) ? { ...ON_THE_PORT, echoes: true } : undefined,
    prefixes: canDuplicate ? { ...APART, echoes: true } : undefined,
    channel: canDuplicate ? { ...APART, echoes: false } : undefined,
  };
}

/**
 * Connections apart that hear of what the port cannot be told, and follow the port: one, or one for each of several shards,
 * since a message reaches only those who listen on the same.
 */
export function openListeners(
  redis: RedisOptions,
  port: RedisPort,
  tracking: Tracking,
  heartbeatAtMost: number,
): Listener[] {
  if (typeof redis === 'string') return openListeners({ url: redis }, port, tracking, heartbeatAtMost);
  const listen = (to: RedisPort, driver: Driver): Listener =>
    new Listener(to, driver, portTiming(redis, heartbeatAtMost), tracking);
  if ('shards' in redis) {
    return shardSettings(redis).map(({ redis: shard }, i) =>
      listen(port.servers[i] ?? port, driverOf(shard, tracking)),
    );
  }
  if ('cluster' in redis) {
    const { seeds, login } = clusterTarget(redis);
    return [
      listen(
        port,
        anyNode(port, seeds, (address) => serverDriver({ ...login, ...address }, tracking)),
      ),
    ];
  }
  if (!('client' in redis)) return [listen(port, driverOf(redis, tracking))];
  const cluster = userCluster(redis.client);
  if (!cluster) return [listen(port, duplicateOf(redis.client))];
  const { connectTimeout } = portTiming(redis);
  return [
    listen(
      port,
      anyNode(port, [], (address) => cluster.driver(address, false, connectTimeout)),
    ),
  ];
}

/** To whichever node is there: a Cluster passes every message on to all of them. */
function anyNode(
  port: RedisPort,
  seeds: readonly NodeAddress[],
  driverTo: (address: NodeAddress) => Driver,
): Driver {
  let turn = 0;
  let latest: Driver | undefined;
  return {
    name: 'any node',
    address: port.address,
    async open(signal) {
      const known =
        port instanceof ClusterPort ? [...port.topology.owners].map(({ address }) => address) : [];
      const nodes = known.length > 0 ? known : seeds;
      const address = nodes[turn++ % nodes.length];
      if (!address) throw new ConnectionError('no node of the Cluster is known');
      latest = driverTo(address);
      return latest.open(signal);
    },
    isReplyError: (error) => latest?.isReplyError(error) ?? false,
  };
}

function driverOf(redis: RedisServerOptions | RedisSentinelOptions, tracking: Tracking): Driver {
  if (!('sentinel' in redis)) return serverDriver(serverAddress(redis), tracking);
  return sentinelDriver(sentinelSettings(redis), defaultDriver, tracking.of !== 'channel');
}

/** Whoever only listens to a channel must not ask for what may be refused. */
function serverDriver(server: ServerAddress, tracking: Tracking): Driver {
  return defaultDriver(server, tracking.of !== 'channel');
}

function duplicateOf(client: object): Driver {
  if (has(client, 'callBuffer')) return userIoredisListener(client as IoredisLike);
  if (isNodeRedis(client)) return userNodeRedisListener(client);
  throw new InvalidOptionError('redis.client: this client cannot be listened with');
}
