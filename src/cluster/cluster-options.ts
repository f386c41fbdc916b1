import { parseDuration, type Duration } from '../duration.js';
import { InvalidOptionError } from '../errors.js';
import {
  poolSettings,
  serverAddress,
  TIMING,
  type PoolSettings,
  type RedisServerOptions,
  type RedisTimingOptions,
  type ServerAddress,
} from '../redis/options.js';
import { describeValue, oneOf, positiveInteger, rejectUnknownOptions } from '../validate.js';
import { nameOf } from './cluster-node.js';
import type { NodeAddress } from './redirection.js';

/** Which node of those that have a key answers reads. */
export type ReadFrom = 'primary' | 'replica' | 'nearest';

/** Where clients reach a node, by the address that the cluster gives: a list by `host:port`, or a function. */
export type NatMap = Readonly<Record<string, NodeAddress>> | ((address: string) => NodeAddress | undefined);

/** What is said of a Cluster beside where it is, also where the client is the application's. */
export interface ClusterSettingsOptions {
  /** How many times one command is sent on by MOVED or ASK, or tried again, before it fails. Default 3. */
  readonly maxRedirects?: number;
  /**
   * `primary`: what is read is what was last written. `replica`: a replica where one can be had, which spares the primaries.
   * `nearest`: whichever answers fastest. The last two may answer with what was true up to `maxReplicaLag` ago, to those who
   * did not write it themselves; nothing else is given up. Default `primary`.
   */
  readonly readFrom?: ReadFrom;
  /** A replica that may be further behind than this is not read from, and what was read from it is dropped. Default 1 s. */
  readonly maxReplicaLag?: Duration;
  /** How often every node is asked whether it is well. Default 30 s. */
  readonly healthCheckInterval?: Duration;
  /** For clients on another network than the nodes: from the address that the cluster gives to the one that can be reached. */
  readonly natMap?: NatMap;
}

/** A Redis Cluster that Tiercel connects to by itself, through the optional peer `@redis/client`. */
export interface RedisClusterOptions extends RedisTimingOptions, ClusterSettingsOptions {
  /** Some of the nodes, as URLs or addresses; the others are found through them. Logins in a URL are for all nodes. */
  readonly cluster: ReadonlyArray<string | { readonly host: string; readonly port?: number }>;
  readonly tls?: RedisServerOptions['tls'];
  /** The ACL user. */
  readonly username?: string;
  readonly password?: string;
  /** What `CLIENT LIST` shows. Default `tiercel`. */
  readonly name?: string;
}

export interface ClusterBehaviour {
  readonly maxRedirects: number;
  readonly readFrom: ReadFrom;
  /** Milliseconds. */
  readonly maxReplicaLag: number;
  /** Milliseconds. */
  readonly healthCheckInterval: number;
  readonly translate: (address: NodeAddress) => NodeAddress;
}

export interface ClusterTarget {
  readonly seeds: readonly NodeAddress[];
  /** The same for every node but for where it is. */
  readonly login: Omit<ServerAddress, 'host' | 'port'>;
  readonly pool: PoolSettings;
  readonly behaviour: ClusterBehaviour;
}

export const CLUSTER_SETTINGS = [
  'maxRedirects',
  'readFrom',
  'maxReplicaLag',
  'healthCheckInterval',
  'natMap',
] as const;

const CLUSTER = ['cluster', 'tls', 'username', 'password', 'name', ...CLUSTER_SETTINGS, ...TIMING] as const;

export function clusterTarget(options: RedisClusterOptions): ClusterTarget {
  rejectUnknownOptions(options, CLUSTER, 'redis');
  const { cluster, tls, username, password, name } = options;
  const given: unknown = cluster;
  if (!Array.isArray(given) || given.length === 0) {
    throw new InvalidOptionError(
      `redis.cluster: expected one node at least, as ['redis://host:port', …], got ${describeValue(given)}`,
    );
  }
  const servers = cluster.map(seed);
  for (const { database } of servers) {
    if (database !== 0) {
      throw new InvalidOptionError(`redis.cluster: a Redis Cluster has database 0 only, got ${database}`);
    }
  }
  const withLogin = servers.find((server) => server.password !== undefined) ?? servers[0];
  return {
    seeds: servers.map(({ host, port }) => ({ host, port })),
    login: {
      tls: tls ?? servers.find((server) => server.tls !== false)?.tls ?? false,
      username: username ?? withLogin?.username,
      password: password ?? withLogin?.password,
      database: 0,
      name: name ?? 'tiercel',
      connectTimeout: poolSettings(options).connectTimeout,
    },
    pool: poolSettings(options),
    behaviour: clusterBehaviour(options),
  };
}

/** @param elsewhere - an address map that holds where the options have none. */
export function clusterBehaviour(
  options: ClusterSettingsOptions,
  elsewhere?: (address: NodeAddress) => NodeAddress | undefined,
): ClusterBehaviour {
  const fromElsewhere = elsewhere && ((address: NodeAddress) => elsewhere(address) ?? address);
  return {
    maxRedirects: positiveInteger(options.maxRedirects ?? 3, 'redis.maxRedirects', { min: 0 }),
    readFrom: oneOf(options.readFrom ?? 'primary', ['primary', 'replica', 'nearest'], 'redis.readFrom'),
    maxReplicaLag: parseDuration(options.maxReplicaLag ?? 1000, 'redis.maxReplicaLag', { min: 1 }),
    healthCheckInterval: parseDuration(options.healthCheckInterval ?? 30_000, 'redis.healthCheckInterval', {
      min: 1,
    }),
    translate: options.natMap === undefined && fromElsewhere ? fromElsewhere : translator(options.natMap),
  };
}

function seed(given: unknown): ServerAddress {
  if (typeof given === 'string') return serverAddress({ url: given });
  if (typeof given !== 'object' || given === null) {
    throw new InvalidOptionError(
      `redis.cluster: expected a URL or { host, port } for each node, got ${describeValue(given)}`,
    );
  }
  rejectUnknownOptions(given, ['host', 'port'], 'redis.cluster');
  return serverAddress(given);
}

function translator(map: NatMap | undefined): (address: NodeAddress) => NodeAddress {
  if (map === undefined) return (address) => address;
  if (typeof map === 'function') return (address) => map(nameOf(address)) ?? address;
  if (typeof map !== 'object' || map === null) {
    throw new InvalidOptionError(
      `redis.natMap: expected an object from 'host:port' to { host, port }, or a function, got ${describeValue(map)}`,
    );
  }
  const known = new Map(
    Object.entries(map).map(([name, to]): [string, NodeAddress] => {
      const { host, port } = serverAddress({ host: to.host, port: to.port });
      return [name, { host, port }];
    }),
  );
  return (address) => known.get(nameOf(address)) ?? address;
}
