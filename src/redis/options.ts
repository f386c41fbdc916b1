import type { ConnectionOptions as TlsOptions } from 'node:tls';
import type { ClusterSettingsOptions, RedisClusterOptions } from '../cluster/cluster-options.js';
import { parseDuration, type Duration } from '../duration.js';
import { InvalidOptionError } from '../errors.js';
import { describeValue, positiveInteger, rejectUnknownOptions } from '../validate.js';
import type { LinkSettings } from './link.js';

/** Timing and bounds of the way to Redis, whoever made the client. */
export interface RedisTimingOptions {
  /** For one attempt to connect, and for `connect()` and `ready()` as a whole. Default 10 s. */
  readonly connectTimeout?: Duration;
  /**
   * The whole deadline of one operation on Redis. Default 250 ms. Where a call needs one operation after another, each has its own:
   * a read with tags may need up to three, a write with `write: 'through'` too.
   */
  readonly commandTimeout?: Duration;
  /** Further attempts before `connect()` and `ready()` reject. The background goes on trying. Default 3. */
  readonly maxRetries?: number;
  /** Pause between attempts to connect: doubles from `min` to `max`, with jitter. Default 100 ms to 2 s. */
  readonly retryDelay?: { readonly min?: Duration; readonly max?: Duration };
  /** How often an otherwise quiet connection is asked whether it lives. Default 1 s. */
  readonly heartbeatInterval?: Duration;
  /** Commands that may wait for an answer at once on one connection; one more is refused. Default 65,536. */
  readonly maxInFlight?: number;
}

/** One server that Tiercel connects to by itself, through the optional peer `@redis/client`. */
export interface RedisServerOptions extends RedisTimingOptions {
  /** `redis://[user:password@]host[:port][/database]`, or `rediss://` for TLS. Other options here win over its parts. */
  readonly url?: string;
  /** Default `localhost`. */
  readonly host?: string;
  /** Default 6379. */
  readonly port?: number;
  /** `true`, or what `tls.connect` takes: `ca`, `cert`, `key`, `servername`. */
  readonly tls?: boolean | TlsOptions;
  /** The ACL user. */
  readonly username?: string;
  readonly password?: string;
  /** Number of the database. Default 0. */
  readonly database?: number;
  /** What `CLIENT LIST` shows. Default `tiercel`. */
  readonly name?: string;
  /**
   * Connections to keep, each with its share of the keys, so that a large value holds up only those; the order of one key's
   * commands is kept. More than one gains nothing for values up to 10 KiB. Default 1.
   */
  readonly connections?: number;
  /** Connections beyond the first are closed after this long without a command. Default 30 s. */
  readonly idleTimeout?: Duration;
}

/**
 * A client the application already has, of `@redis/client` (or `redis`) 5 and 6 or `ioredis` 5 and 6. It is never closed. One
 * of a Cluster is a pattern for connections of our own, with the settings of a Cluster besides.
 */
export interface RedisClientOptions extends RedisTimingOptions, ClusterSettingsOptions {
  readonly client: object;
}

/** Who to be, and how to connect, of servers whose addresses are told elsewhere. */
type RedisLoginOptions = Omit<RedisServerOptions, 'url' | 'host' | 'port'>;

/** A primary that Sentinel watches over, and whichever replica it makes the primary. */
export interface RedisSentinelOptions extends RedisLoginOptions {
  readonly sentinel: SentinelOptions;
}

/** Where the sentinels are and which primary to ask them for. The login of the servers themselves stands beside `sentinel`. */
export interface SentinelOptions {
  /** What the sentinels call the primary, such as `mymaster`. */
  readonly name: string;
  /** As many of the sentinels as there may be; one that answers is enough. `host` defaults to `localhost`, `port` to 26379. */
  readonly nodes: ReadonlyArray<{ readonly host?: string; readonly port?: number }>;
  /** The sentinels' own login and TLS, where they have any. */
  readonly username?: string;
  readonly password?: string;
  readonly tls?: boolean | TlsOptions;
}

/** One of several independent servers, each with its share of the keys. */
export interface RedisShard extends Omit<RedisServerOptions, 'name' | keyof RedisTimingOptions> {
  /**
   * Places its keys, so keep it when the shard moves to another address. Default: the address, `host:port`, with `/database`
   * where that is not 0.
   */
  readonly name?: string;
  /** Its share of the keys in proportion to the others'. Default 1. */
  readonly weight?: number;
  /** Instead of an address: the shard is a primary that Sentinel watches over. It then needs a `name`. */
  readonly sentinel?: SentinelOptions;
}

/** Keys over independent servers, by consistent hashing (`ConsistentHash`). What is said of timing is for each of them. */
export interface RedisShardsOptions extends RedisTimingOptions {
  /** URLs or options, at least one. Their order does not matter. */
  readonly shards: ReadonlyArray<string | RedisShard>;
  /** Points of a shard of weight 1 on the ring; another number places most keys elsewhere. Default 8192. */
  readonly virtualNodes?: number;
}

/** What the option `redis` takes. */
export type RedisOptions =
  | string
  | RedisServerOptions
  | RedisClusterOptions
  | RedisClientOptions
  | RedisSentinelOptions
  | RedisShardsOptions;

/** Where to connect and as whom, checked and complete. */
export interface ServerAddress {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean | TlsOptions;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly database: number;
  readonly name: string;
  readonly connectTimeout: number;
}

export interface PoolSettings extends LinkSettings {
  readonly maxRetries: number;
  readonly connections: number;
  readonly idleTimeout: number;
}

export const TIMING = [
  'connectTimeout',
  'commandTimeout',
  'maxRetries',
  'retryDelay',
  'heartbeatInterval',
  'maxInFlight',
] as const;
/** The options of one server. */
export const SERVER = [
  ...TIMING,
  'url',
  'host',
  'port',
  'tls',
  'username',
  'password',
  'database',
  'name',
  'connections',
  'idleTimeout',
] as const;

/** Timers of the platform hold 31 bits. */
const LONGEST_TIMER = 2 ** 31 - 1;

export function poolSettings(
  options: RedisTimingOptions & Pick<RedisServerOptions, 'connections' | 'idleTimeout'>,
): PoolSettings {
  if (options.retryDelay !== undefined) {
    rejectUnknownOptions(options.retryDelay, ['min', 'max'], 'redis.retryDelay');
  }
  const retryDelay = {
    min: timer(options.retryDelay?.min, 100, 'retryDelay.min'),
    max: timer(options.retryDelay?.max, 2000, 'retryDelay.max'),
  };
  if (retryDelay.min > retryDelay.max) {
    throw new InvalidOptionError(
      `redis.retryDelay: min (${retryDelay.min} ms) is above max (${retryDelay.max} ms)`,
    );
  }
  return {
    connectTimeout: timer(options.connectTimeout, 10_000, 'connectTimeout'),
    commandTimeout: timer(options.commandTimeout, 250, 'commandTimeout'),
    maxRetries: count(options.maxRetries, 3, 'maxRetries', 0),
    retryDelay,
    heartbeatInterval: timer(options.heartbeatInterval, 1000, 'heartbeatInterval'),
    maxInFlight: count(options.maxInFlight, 65_536, 'maxInFlight'),
    connections: count(options.connections, 1, 'connections'),
    idleTimeout: timer(options.idleTimeout, 30_000, 'idleTimeout'),
  };
}

function timer(value: Duration | undefined, fallback: number, name: string): number {
  return value === undefined
    ? fallback
    : parseDuration(value, `redis.${name}`, { min: 1, max: LONGEST_TIMER });
}

function count(value: number | undefined, fallback: number, name: string, min = 1): number {
  return value === undefined ? fallback : positiveInteger(value, `redis.${name}`, { min });
}

/** @param more - what this kind of client takes besides. */
export function checkClientOptions(options: RedisClientOptions, more: readonly string[] = []): void {
  rejectUnknownOptions(options, ['client', ...TIMING, ...more], 'redis');
}

export function serverAddress(options: RedisServerOptions): ServerAddress {
  rejectUnknownOptions(options, SERVER, 'redis');
  const fromUrl = options.url === undefined ? {} : partsOfUrl(options.url);
  const host = options.host ?? fromUrl.host ?? 'localhost';
  if (typeof host !== 'string' || host === '') {
    throw new InvalidOptionError(`redis.host: expected a host name, got ${describeValue(host)}`);
  }
  return {
    host,
    port: positiveInteger(options.port ?? fromUrl.port ?? 6379, 'redis.port', { min: 1, max: 65_535 }),
    tls: options.tls ?? fromUrl.tls ?? false,
    username: options.username ?? fromUrl.username,
    password: options.password ?? fromUrl.password,
    database: positiveInteger(options.database ?? fromUrl.database ?? 0, 'redis.database', { min: 0 }),
    name: options.name ?? 'tiercel',
    connectTimeout: poolSettings(options).connectTimeout,
  };
}

type UrlParts = Partial<Pick<ServerAddress, 'host' | 'port' | 'tls' | 'username' | 'password' | 'database'>>;

function partsOfUrl(text: string): UrlParts {
  if (typeof text !== 'string') throw wrongUrl(`got ${describeValue(text)}`);
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw wrongUrl('which this text is not (it is not repeated here: it may hold a password)');
  }
  if (url.protocol !== 'redis:' && url.protocol !== 'rediss:')
    throw wrongUrl(`got the scheme '${url.protocol}//'`);
  const database = url.pathname.replace(/^\//, '');
  // A `/`, `?` or `#` within a password that was not percent-encoded ends the host; what follows must not be shown or ignored.
  if (!/^\d*$/.test(database)) throw wrongUrl('got something else than a number as database');
  if (url.search || url.hash) throw wrongUrl('got more after that, such as a `?` or `#`');
  return {
    ...(url.hostname && { host: url.hostname.replace(/^\[(.*)\]$/, '$1') }),
    ...(url.port && { port: Number(url.port) }),
    ...(url.protocol === 'rediss:' && { tls: true }),
    ...(url.username && { username: decoded(url.username) }),
    ...(url.password && { password: decoded(url.password) }),
    ...(database && { database: Number(database) }),
  };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw wrongUrl('got a `%` in the user or password that does not begin an escape: write it as %25');
  }
}

/** The text may hold a password, so the message does not repeat it. */
function wrongUrl(why: string): InvalidOptionError {
  return new InvalidOptionError(`redis.url: expected redis://[user:password@]host[:port][/database], ${why}`);
}
