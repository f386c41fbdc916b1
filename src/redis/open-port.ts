import {
  CLUSTER_SETTINGS,
  clusterBehaviour,
  clusterTarget,
  type RedisClusterOptions,
} from '../cluster/cluster-options.js';
import { nameOf } from '../cluster/cluster-node.js';
import { ClusterPort } from '../cluster/cluster-port.js';
import { InvalidOptionError, MissingPeerError } from '../errors.js';
import { silentLogger, type Logger } from '../runtime/logger.js';
import { ConsistentHash } from '../shards/consistent-hash.js';
import { ShardedPort } from '../shards/sharded-port.js';
import { describeValue } from '../validate.js';
import type { Driver, Tracking } from './connection.js';
import type * as NodeRedis from './drivers/node-redis.js';
import { userIoredisDriver, type IoredisLike } from './drivers/user-ioredis.js';
import { userCluster, type UserCluster } from './drivers/user-cluster.js';
import { userNodeRedisDriver, type NodeRedisLike } from './drivers/user-node-redis.js';
import {
  checkClientOptions,
  poolSettings,
  serverAddress,
  type RedisClientOptions,
  type RedisOptions,
  type PoolSettings,
  type RedisSentinelOptions,
  type RedisServerOptions,
  type RedisShardsOptions,
  type ServerAddress,
} from './options.js';
import type { RedisPort } from './port.js';
import { sentinelDriver } from './sentinel/sentinel-driver.js';
import { sentinelSettings } from './sentinel/sentinel-options.js';
import { shardSettings } from './shard-options.js';
import { SingleServerPort } from './single-server-port.js';

export interface PortSettings {
  /** Default: silence. */
  readonly logger?: Logger | undefined;
  /** Which changes the server is to tell of; default none. */
  readonly tracking?: Tracking | undefined;
  /** Milliseconds; a longer `heartbeatInterval` is shortened to it. */
  readonly heartbeatAtMost?: number | undefined;
}

/** The port for what the option `redis` says. It connects in the background; wrong options throw at once. */
export function openPort(redis: RedisOptions, settings: PortSettings = {}): RedisPort {
  if (typeof redis === 'string') return openServer({ url: redis }, settings);
  if (typeof redis !== 'object' || redis === null) {
    throw new InvalidOptionError(
      `redis: expected a URL or an object of options, got ${describeValue(redis)}`,
    );
  }
  if (redis instanceof URL) {
    throw new InvalidOptionError(
      'redis: expected a URL as text or an object of options, got an instance of URL',
    );
  }
  if (has(redis, 'callBuffer') || has(redis, 'sendCommand')) {
    throw new InvalidOptionError(
      'redis: expected a URL or an object of options; hand over a client as { client }',
    );
  }
  if ('client' in redis) return openUserClient(redis, settings);
  if ('cluster' in redis) return openCluster(redis, settings);
  if ('shards' in redis) return openShards(redis, settings);
  return 'sentinel' in redis ? openSentinel(redis, settings) : openServer(redis, settings);
}

/** Each of them says for itself when it is lost and found. */
function openShards(options: RedisShardsOptions, settings: PortSettings): RedisPort {
  const { logger = silentLogger } = settings;
  const { commandTimeout } = poolSettings(options);
  const shards = shardSettings(options);
  const weights = shards.map(({ name, weight }) => [name, weight] as const);
  const { virtualNodes } = options;
  // Before anything is opened, since it may refuse what it was given.
  const ring = new ConsistentHash(weights, virtualNodes === undefined ? {} : { virtualNodes });
  const opened = shards.map(({ name, redis }) => {
    const port = 'sentinel' in redis ? openSentinel(redis, settings) : openServer(redis, settings);
    port.onStateChange(({ state, previous, cause }) => {
      if (state === previous || state === 'closed') return;
      logger[state === 'ready' ? 'info' : 'warn'](`the shard ${name} at ${port.address} is ${state}`, {
        previous,
        error: cause,
      });
    });
    return [name, port] as const;
  });
  return new ShardedPort({ ring, shards: new Map(opened), commandTimeout });
}

function openSentinel(options: RedisSentinelOptions, { tracking, heartbeatAtMost }: PortSettings): RedisPort {
  const driver = sentinelDriver(
    sentinelSettings(options),
    (address, tracks) => defaultDriver(address, tracks),
    tracking !== undefined,
  );
  return new SingleServerPort(driver, withHeartbeat(poolSettings(options), heartbeatAtMost), tracking);
}

function openCluster(
  options: RedisClusterOptions,
  { logger = silentLogger, tracking, heartbeatAtMost }: PortSettings,
): RedisPort {
  const { seeds, login, pool, behaviour } = clusterTarget(options);
  return new ClusterPort({
    ...behaviour,
    pool: withHeartbeat(pool, heartbeatAtMost),
    seeds: () => seeds,
    address: seeds.map(nameOf).join(', '),
    openDriver: (address) => defaultDriver({ ...login, ...address }, tracking !== undefined),
    tracking,
    logger,
  });
}

function openServer(options: RedisServerOptions, { tracking, heartbeatAtMost }: PortSettings): RedisPort {
  const driver = defaultDriver(serverAddress(options), tracking !== undefined);
  return new SingleServerPort(driver, withHeartbeat(poolSettings(options), heartbeatAtMost), tracking);
}

function openUserCluster(
  cluster: UserCluster,
  options: RedisClientOptions,
  { logger = silentLogger, tracking, heartbeatAtMost }: PortSettings,
): RedisPort {
  checkClientOptions(options, CLUSTER_SETTINGS);
  const pool = poolSettings({ ...options, connections: 1 });
  const behaviour = clusterBehaviour(options, (address) => cluster.translate(address));
  return new ClusterPort({
    ...behaviour,
    pool: withHeartbeat(pool, heartbeatAtMost),
    seeds: () => cluster.seeds(),
    address: 'the application’s client',
    openDriver: (address) => cluster.driver(address, tracking !== undefined, pool.connectTimeout),
    tracking,
    logger,
  });
}

function openUserClient(
  options: RedisClientOptions,
  { logger = silentLogger, tracking, heartbeatAtMost }: PortSettings,
): RedisPort {
  const cluster = userCluster(options.client);
  if (cluster) return openUserCluster(cluster, options, { logger, tracking, heartbeatAtMost });
  checkClientOptions(options);
  const driver = driverFor(options.client, logger);
  return new SingleServerPort(driver, portTiming(options, heartbeatAtMost), tracking);
}

/** @param heartbeatAtMost - milliseconds; a longer `heartbeatInterval` is shortened to it. */
export function portTiming(options: Exclude<RedisOptions, string>, heartbeatAtMost?: number): PoolSettings {
  const settings = 'client' in options ? { ...options, connections: 1 } : options;
  return withHeartbeat(poolSettings(settings), heartbeatAtMost);
}

function withHeartbeat(settings: PoolSettings, atMost = Infinity): PoolSettings {
  return { ...settings, heartbeatInterval: Math.min(settings.heartbeatInterval, atMost) };
}

function driverFor(client: unknown, logger: Logger): Driver {
  if (has(client, 'callBuffer')) return userIoredisDriver(client as IoredisLike, logger);
  if (isNodeRedis(client)) return userNodeRedisDriver(client);
  throw new InvalidOptionError(
    `redis.client: expected a client of @redis/client or ioredis, got ${describeValue(client)}`,
  );
}

export function isNodeRedis(client: unknown): client is NodeRedisLike {
  return has(client, 'sendCommand') && 'isReady' in client;
}

export function has(client: unknown, method: string): client is object {
  return typeof client === 'object' && client !== null && typeof Reflect.get(client, method) === 'function';
}

/** The client library is an optional peer, so it is loaded by the first attempt to connect and not before. */
export function defaultDriver(server: ServerAddress, tracking: boolean): Driver {
  let loaded: Driver | undefined;
  return {
    name: '@redis/client',
    address: `${server.host}:${server.port}`,
    async open(signal) {
      loaded ??= (await loadNodeRedis()).nodeRedisDriver(server, tracking);
      return loaded.open(signal);
    },
    isReplyError: (error) => loaded?.isReplyError(error) ?? false,
  };
}

async function loadNodeRedis(): Promise<typeof NodeRedis> {
  try {
    return await import('./drivers/node-redis.js');
  } catch (cause) {
    throw new MissingPeerError('the package @redis/client is not installed; run: npm install @redis/client', {
      cause,
    });
  }
}
