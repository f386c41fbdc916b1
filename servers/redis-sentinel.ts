import { setTimeout as pause } from 'node:timers/promises';
import { provisionRedis } from './provision/redis.js';
import { startRedis, type RedisOptions, type RedisServer } from './redis.js';

/** A primary and its replica with three sentinels that watch over them, all on loopback. */
export interface SentinelDeployment extends AsyncDisposable {
  /** What the sentinels call the primary. */
  readonly name: string;
  /** The servers of keys; the first was the primary at the start. */
  readonly servers: readonly [RedisServer, RedisServer];
  readonly sentinels: readonly RedisServer[];
  /** The server that the sentinels name as the primary; fails while they do not agree. */
  primary(): Promise<RedisServer>;
  /** Resolves with the new primary when all sentinels name another server than this. @throws Error after 15 s. */
  promoted(before: RedisServer): Promise<RedisServer>;
  /** Resolves when the sentinels know a replica that follows the primary and could take over. @throws Error after 20 s. */
  healed(): Promise<void>;
  stop(): Promise<void>;
}

export interface SentinelDeploymentOptions {
  /** Milliseconds until a primary that does not answer is taken for dead. Default 500. */
  readonly downAfter?: number;
  /** Of the servers of keys. */
  readonly redis?: Pick<RedisOptions, 'config' | 'appendonly'>;
}

const NAME = 'main';
const QUORUM = 2;
/** A replica of a server that has nothing to load is in step at once, were it not for this pause. */
const REPLICATION = { 'repl-diskless-sync': 'yes', 'repl-diskless-sync-delay': '0', 'repl-timeout': '5' };
/**
 * Milliseconds. As they come, sentinels say hello every 2 s and look for replicas every 10 s; and one that was kept from the
 * processor for 2 s believes its clock for nothing for 30 s.
 */
const HURRY = ['info-period', '200', 'publish-period', '200', 'ping-period', '250', 'ask-period', '200'];
const PATIENCE = ['tilt-trigger', '60000'];

/** Starts it, and waits until it could fail over: two to three seconds. */
export async function startSentinel(options: SentinelDeploymentOptions = {}): Promise<SentinelDeployment> {
  const binary = await provisionRedis();
  if (binary.source === 'docker') {
    throw new Error(
      'sentinels need a server program on this machine: containers do not reach each other on loopback',
    );
  }
  const { downAfter = 500, redis = {} } = options;
  const config = { ...REPLICATION, ...redis.config };
  const started: RedisServer[] = [];
  const start = async (own: RedisOptions): Promise<RedisServer> => {
    const server = await startRedis({ ...own, binary });
    started.push(server);
    return server;
  };
  const stop = async (): Promise<void> => {
    await Promise.all(started.map((server) => server.stop()));
  };
  try {
    const primary = await start({ ...redis, config });
    const sentinel = [
      `monitor ${NAME} ${primary.host} ${primary.port} ${QUORUM}`,
      `down-after-milliseconds ${NAME} ${downAfter}`,
      `failover-timeout ${NAME} 2000`,
    ];
    const [replica, ...sentinels] = await Promise.all([
      start({ ...redis, config: { ...config, replicaof: `${primary.host} ${primary.port}` } }),
      ...Array.from({ length: 3 }, () => start({ sentinel })),
    ]);
    await Promise.all(
      sentinels.flatMap((one) =>
        // Servers other than Redis need not have these, and then only take longer.
        [HURRY, PATIENCE].map((settings) => one.cli('SENTINEL', 'DEBUG', ...settings).catch(() => undefined)),
      ),
    );
    const deployment = new OwnSentinels([primary, replica], sentinels, stop);
    await deployment.healed();
    return deployment;
  } catch (error) {
    await stop();
    throw error;
  }
}

class OwnSentinels implements SentinelDeployment {
  readonly name = NAME;
  readonly servers: readonly [RedisServer, RedisServer];
  readonly sentinels: readonly RedisServer[];
  readonly stop: () => Promise<void>;

  constructor(
    servers: readonly [RedisServer, RedisServer],
    sentinels: readonly RedisServer[],
    stop: () => Promise<void>,
  ) {
    this.servers = servers;
    this.sentinels = sentinels;
    this.stop = stop;
  }

  async primary(): Promise<RedisServer> {
    const named = await Promise.all(
      this.sentinels.map((one) => one.cli('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', NAME)),
    );
    const ports = new Set(named.map((address) => Number((address as [string, string])[1])));
    const found = this.servers.find(({ port }) => ports.has(port));
    if (ports.size !== 1 || !found) throw new Error(`the sentinels name the ports ${[...ports].join(', ')}`);
    return found;
  }

  promoted(before: RedisServer): Promise<RedisServer> {
    return until('all sentinels name another primary', 15_000, 10, async () => {
      const now = await this.primary();
      return now === before ? undefined : now;
    });
  }

  async healed(): Promise<void> {
    await until('the sentinels know each other and a replica in step', 20_000, 50, async () => {
      const states = await Promise.all(
        this.sentinels.map(async (one) => ({
          primary: fields(await one.cli('SENTINEL', 'MASTER', NAME)),
          replicas: ((await one.cli('SENTINEL', 'REPLICAS', NAME)) as string[][]).map(fields),
        })),
      );
      const ready = states.every(
        ({ primary, replicas }) =>
          primary['flags'] === 'master' &&
          primary['num-other-sentinels'] === '2' &&
          replicas.some((one) => one['flags'] === 'slave' && one['master-link-status'] === 'ok'),
      );
      return ready || undefined;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

function fields(reply: unknown): Record<string, string> {
  const flat = reply as string[];
  return Object.fromEntries(flat.flatMap((name, i) => (i % 2 === 0 ? [[name, flat[i + 1] ?? '']] : [])));
}

async function until<T>(
  what: string,
  limit: number,
  every: number,
  ask: () => Promise<T | undefined>,
): Promise<T> {
  const end = performance.now() + limit;
  let last: unknown;
  while (performance.now() < end) {
    try {
      const answer = await ask();
      if (answer !== undefined) return answer;
    } catch (error) {
      last = error;
    }
    await pause(every);
  }
  throw new Error(`not within ${limit} ms: ${what}`, { cause: last });
}
