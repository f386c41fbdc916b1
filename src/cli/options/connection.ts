import { readFileSync } from 'node:fs';
import { Option, type Command } from 'commander';
import type { RedisOptions, RedisServerOptions } from '../../redis/options.js';
import { UsageError } from '../usage-error.js';
import { serverList } from './server-list.js';
import { duration, wholeNumber } from './values.js';

/** Where Redis is and who we are, as given on the command line or by the environment. */
export interface ConnectionFlags {
  readonly url?: string;
  readonly cluster?: string;
  readonly sentinel?: string;
  readonly username?: string;
  readonly password?: string;
  readonly database?: number;
  readonly tls?: boolean;
  readonly tlsCa?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tlsServername?: string;
  readonly sentinelUsername?: string;
  readonly sentinelPassword?: string;
  readonly sentinelTls?: boolean;
  readonly timeout: number;
}

const SENTINEL_PORT = 26_379;
const REDIS_PORT = 6379;
/** Longer than an application's: whoever waits here is a person, and the server may be what is ill. */
const TIMEOUT = 5000;

/** Options that every command has that asks Redis. */
export function addConnectionOptions(command: Command): Command {
  const options = [
    new Option('--url <url>', 'redis://[user:password@]host[:port][/database], or rediss:// for TLS').env(
      'TIERCEL_REDIS_URL',
    ),
    new Option('--cluster <nodes>', 'some nodes of a Cluster: host:port,host:port'),
    new Option('--sentinel <name@nodes>', 'a primary that Sentinel watches over: name@host:port,host:port'),
    new Option('--username <name>', 'the ACL user').env('TIERCEL_REDIS_USERNAME'),
    new Option('--password <password>', 'better given by the environment').env('TIERCEL_REDIS_PASSWORD'),
    new Option('--database <number>', 'number of the database').argParser(wholeNumber(0)),
    new Option('--tls', 'connect by TLS'),
    new Option(
      '--tls-ca <file>',
      'the authority that signed the certificate of the server, PEM; implies --tls',
    ),
    new Option('--tls-cert <file>', 'a certificate of ours, PEM; implies --tls'),
    new Option('--tls-key <file>', 'its key, PEM; implies --tls'),
    new Option('--tls-servername <name>', 'the name in the certificate of the server; implies --tls'),
    new Option('--sentinel-username <name>', 'the ACL user of the sentinels').env(
      'TIERCEL_SENTINEL_USERNAME',
    ),
    new Option('--sentinel-password <password>', 'of the sentinels').env('TIERCEL_SENTINEL_PASSWORD'),
    new Option('--sentinel-tls', 'the sentinels speak TLS too, with the same files'),
    new Option('--timeout <duration>', 'how long one answer of Redis may take')
      .argParser(duration(1))
      .default(TIMEOUT, '5s'),
  ];
  for (const option of options) command.addOption(option);
  return command;
}

/**
 * What the flags mean to the library, which checks the rest.
 *
 * @throws UsageError where they contradict each other, or name a file that cannot be read.
 */
export function redisOptions(flags: ConnectionFlags, command: Command): Exclude<RedisOptions, string> {
  const { cluster, sentinel } = flags;
  // What was said here wins over what the environment says for all commands.
  const url = command.getOptionValueSource('url') === 'cli' || !(cluster ?? sentinel) ? flags.url : undefined;
  const places = [url, cluster, sentinel].filter((place) => place !== undefined);
  if (places.length > 1) throw new UsageError('--url, --cluster and --sentinel exclude each other');
  const login = {
    ...(flags.username !== undefined && { username: flags.username }),
    ...(flags.password !== undefined && { password: flags.password }),
    ...tlsOf(flags),
    name: 'tiercel-cli',
    commandTimeout: flags.timeout,
    connectTimeout: flags.timeout,
    maxRetries: 1,
  };
  const database = flags.database === undefined ? {} : { database: flags.database };
  if (cluster !== undefined) {
    if (flags.database !== undefined) throw new UsageError('--database: a Redis Cluster has database 0 only');
    return { cluster: serverList(cluster, '--cluster', REDIS_PORT), ...login };
  }
  if (sentinel !== undefined) {
    const at = sentinel.indexOf('@');
    if (at < 1) throw new UsageError(`--sentinel: expected name@host:port,host:port,…, got '${sentinel}'`);
    return {
      sentinel: {
        name: sentinel.slice(0, at),
        nodes: serverList(sentinel.slice(at + 1), '--sentinel', SENTINEL_PORT),
        ...(flags.sentinelUsername !== undefined && { username: flags.sentinelUsername }),
        ...(flags.sentinelPassword !== undefined && { password: flags.sentinelPassword }),
        ...(flags.sentinelTls && { tls: tlsOf(flags).tls ?? true }),
      },
      ...login,
      ...database,
    };
  }
  return { url: url ?? 'redis://localhost:6379', ...login, ...database };
}

function tlsOf(flags: ConnectionFlags): Pick<RedisServerOptions, 'tls'> {
  const files = {
    ...(flags.tlsCa !== undefined && { ca: fileOf(flags.tlsCa, '--tls-ca') }),
    ...(flags.tlsCert !== undefined && { cert: fileOf(flags.tlsCert, '--tls-cert') }),
    ...(flags.tlsKey !== undefined && { key: fileOf(flags.tlsKey, '--tls-key') }),
    ...(flags.tlsServername !== undefined && { servername: flags.tlsServername }),
  };
  if (Object.keys(files).length > 0) return { tls: files };
  return flags.tls ? { tls: true } : {};
}

function fileOf(path: string, option: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new UsageError(`${option}: the file '${path}' cannot be read: ${(error as Error).message}`);
  }
}
