import { CacheError, MissingPeerError, ServerError } from '../../errors.js';
import type { Command, RedisPort, Reply } from '../../redis/port.js';
import { openPort } from '../../redis/open-port.js';
import type { RedisOptions } from '../../redis/options.js';
import { replyText } from '../../redis/reply-text.js';
import type { Progress } from '../output/progress.js';
import { replyPairs } from '../redis/reply-pairs.js';
import { ServerInfo } from '../redis/server-info.js';
import type { Asked, DeploymentFacts, ServerFacts, SlowCommand } from './facts.js';
import { askSentinels } from './ask-sentinels.js';
import { sampleKeys } from './sample-keys.js';

export interface GatherOptions {
  readonly redis: Exclude<RedisOptions, string>;
  /** Keys to measure, over all servers. */
  readonly maxKeys: number;
  /** Milliseconds for that. */
  readonly time: number;
  /** There are queues of writes to the database, whether they are seen or not. */
  readonly writeBehind: boolean;
  readonly progress: Progress;
}

/** One after the other, so that each is a round trip of its own. */
const PINGS = 20;
const SLOW_LOG = 128;

const SETTINGS = [
  'appendfsync',
  'bind',
  'maxclients',
  'min-replicas-to-write',
  'protected-mode',
  'tracking-table-max-keys',
];

/**
 * Asks a deployment all that the checks want to know. It only reads, and never for long at a time. That a server does not answer is a
 * fact like any other.
 *
 * @throws InvalidOptionError; MissingPeerError
 */
export async function gatherFacts(options: GatherOptions): Promise<DeploymentFacts> {
  const { redis, writeBehind } = options;
  const unreachable: Array<{ address: string; why: string }> = [];
  const port = openPort(redis);
  try {
    const connected = await port.connect().then(
      () => undefined,
      (error: unknown) => {
        // Nothing was asked of Redis: that says nothing of it.
        if (error instanceof MissingPeerError) throw error;
        return failure(error);
      },
    );
    const servers: ServerFacts[] = [];
    // Of a Cluster some may answer where others do not.
    const asked = connected && port.servers.length <= 1 ? [] : port.servers;
    await Promise.all(
      asked.map(async (server) => {
        try {
          servers.push(await askServer(server, options, port.servers.length));
        } catch (error) {
          unreachable.push({ address: server.address, why: failure(error) });
        }
      }),
    );
    if (connected && unreachable.length === 0) unreachable.push({ address: port.address, why: connected });
    const tls = 'tls' in redis && Boolean(redis.tls);
    const isRediss = 'url' in redis && (redis.url?.startsWith('rediss:') ?? false);
    return {
      kind: 'cluster' in redis ? 'cluster' : 'sentinel' in redis ? 'sentinel' : 'server',
      tls: tls || isRediss,
      servers: servers.sort((a, b) => a.address.localeCompare(b.address)),
      unreachable,
      sentinels: 'sentinel' in redis ? await askSentinels(redis) : [],
      writeBehind: writeBehind || servers.some(({ keys }) => keys.known && keys.value.queueKeys > 0),
    };
  } finally {
    await port.close();
  }
}

/** @throws CacheError where the server does not even tell of itself. */
async function askServer(server: RedisPort, options: GatherOptions, servers: number): Promise<ServerFacts> {
  const info = await ServerInfo.ask(server);
  const isClustered = info.number('cluster_enabled') === 1;
  const counts = info.text('maxmemory_policy')?.endsWith('-lfu') === true;
  const [time, slow, user, cluster] = await server.sendAll([
    command('TIME'),
    command('SLOWLOG', 'GET', String(SLOW_LOG)),
    command('ACL', 'GETUSER', 'default'),
    ...(isClustered ? [command('CLUSTER', 'INFO')] : []),
  ]);
  const settings = await askSettings(server);
  const pings = await ping(server);
  const { maxKeys, time: patience, progress } = options;
  const bounds = {
    maxKeys: Math.ceil(maxKeys / servers),
    until: performance.now() + patience,
    progress,
    counts,
  };
  const keys = await orWhy(sampleKeys(server, bounds));
  return {
    address: server.address,
    info,
    settings,
    pings,
    slowLog: answered(slow, (reply) => slowCommands(reply, secondsOf(time))),
    openToAll: letsAnyoneIn(user, options.redis),
    cluster: isClustered ? answered(cluster, (reply) => colonPairs(replyText(reply))) : undefined,
    keys,
  };
}

/** One by one, since servers before 7.0 take one name only, and an unknown one is no error. */
async function askSettings(server: RedisPort): Promise<Asked<ReadonlyMap<string, string>>> {
  const replies = await server.sendAll(SETTINGS.map((name) => command('CONFIG', 'GET', name)));
  const settings = new Map<string, string>();
  for (const reply of replies) {
    if (reply instanceof CacheError) return { known: false, why: failure(reply) };
    for (const [name, value] of replyPairs(reply)) settings.set(name, replyText(value as Reply));
  }
  return { known: true, value: settings };
}

async function ping(server: RedisPort): Promise<number[]> {
  const took: number[] = [];
  for (let i = 0; i < PINGS; i++) {
    const began = performance.now();
    await server.send(command('PING'));
    took.push(performance.now() - began);
  }
  return took;
}

/** Whether the user `default` needs no password. Whoever may not ask, and came without one, knows the answer all the same. */
function letsAnyoneIn(reply: Reply | CacheError | undefined, redis: object): Asked<boolean> {
  if (reply instanceof CacheError || reply === undefined || reply === null) {
    const withLogin = 'password' in redis || ('url' in redis && String(redis.url).includes('@'));
    if (!withLogin) return { known: true, value: true };
    return { known: false, why: failure(reply) };
  }
  const flags: unknown = replyPairs(reply).get('flags');
  const names = new Set([...((flags as Iterable<unknown> | undefined) ?? [])].map(String));
  return { known: true, value: names.has('on') && names.has('nopass') };
}

/** An entry is its number, when, the microseconds it took, the words of the command, and who sent it. */
function slowCommands(reply: Reply, now: number): SlowCommand[] {
  if (!Array.isArray(reply)) return [];
  return (reply as unknown[]).flatMap((entry): SlowCommand[] => {
    if (!Array.isArray(entry)) return [];
    const [, at, micros, words] = entry as unknown[];
    const name = Array.isArray(words) ? String(words[0]).toUpperCase() : '?';
    return [{ name, took: Number(micros) / 1000, ago: Math.max(0, 1000 * (now - Number(at))) }];
  });
}

/** The server's own clock, in seconds; ours where it does not tell. */
function secondsOf(time: Reply | CacheError | undefined): number {
  return Array.isArray(time) ? Number(time[0]) : Date.now() / 1000;
}

function colonPairs(text: string): ReadonlyMap<string, string> {
  const pairs = text.split('\n').map((line) => line.trim().split(':'));
  return new Map(pairs.flatMap(([name, value]) => (name && value !== undefined ? [[name, value]] : [])));
}

function answered<T>(reply: Reply | CacheError | undefined, read: (reply: Reply) => T): Asked<T> {
  if (reply instanceof CacheError || reply === undefined) return { known: false, why: failure(reply) };
  return { known: true, value: read(reply) };
}

async function orWhy<T>(work: Promise<T>): Promise<Asked<T>> {
  try {
    return { known: true, value: await work };
  } catch (error) {
    return { known: false, why: failure(error) };
  }
}

/** What is thrown below and is not ours is a mistake of this package: it must surface. */
function failure(error: unknown): string {
  if (error === undefined || error === null) return 'the server did not answer';
  if (!(error instanceof CacheError)) throw error;
  // The address stands before it already.
  return error instanceof ServerError && error.cause instanceof Error ? error.cause.message : error.message;
}

function command(...args: readonly string[]): Command {
  return { key: '', args };
}
