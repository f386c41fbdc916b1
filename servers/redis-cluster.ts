import { setTimeout as pause } from 'node:timers/promises';
import { freePort } from './free-port.js';
import { RawError, type TextReply } from './raw-redis.js';
import { startRedis, type RedisOptions, type RedisServer } from './redis.js';

const SLOTS = 16_384;

export interface RedisClusterOptions {
  /** Default 3. */
  readonly primaries?: number;
  /** Replicas of each primary. Default 1. */
  readonly replicas?: number;
  /** Milliseconds after which a node that does not answer counts as failed. Default 1000. */
  readonly nodeTimeout?: number;
  /** Further options of every node. */
  readonly node?: RedisOptions;
}

/** One node, as the cluster's own list describes it. */
interface NodeLine {
  readonly id: string;
  readonly port: number;
  readonly flags: readonly string[];
  readonly primaryId: string | undefined;
  readonly linked: boolean;
  readonly slots: readonly string[];
}

/** A Redis Cluster of our own, on loopback. It does not outlive the process that started it. */
export interface RedisCluster extends AsyncDisposable {
  /** Those it was started with, primaries first, and those added since; whatever became of them. */
  readonly nodes: readonly RedisServer[];
  readonly urls: readonly string[];
  /** The cluster as the first node that answers sees it. */
  view(from?: RedisServer): Promise<NodeLine[]>;
  /** The node that owns the key's slot now. */
  ownerOf(key: string): Promise<RedisServer>;
  /** Its replicas that have not failed. */
  replicasOf(primary: RedisServer): Promise<RedisServer[]>;
  slotOf(key: string): Promise<number>;
  /** One command about one key, carried out where the key is, as redis-cli -c would. */
  cli(key: string, ...args: (string | Buffer)[]): Promise<TextReply>;
  /** Has the replica take over in order, and resolves when it is a primary in its own eyes. */
  failOver(replica: RedisServer): Promise<void>;
  /** Resolves when the server owns slots in the eyes of a node that is not the server itself. */
  untilPrimary(server: RedisServer, limit?: number): Promise<void>;
  /** Resolves when all nodes find the cluster well and agree on it, and every replica follows its primary. */
  untilWell(limit?: number): Promise<void>;
  /** Marks the slot as on its way. Keys still have to be moved, and the slot to be given over. */
  beginMigration(slot: number, from: RedisServer, to: RedisServer): Promise<void>;
  /** Moves the slot's keys one at a time; resolves with how many. */
  moveKeys(
    slot: number,
    from: RedisServer,
    to: RedisServer,
    between?: () => Promise<unknown>,
  ): Promise<number>;
  /** Gives the slot over for good. */
  endMigration(slot: number, from: RedisServer, to: RedisServer): Promise<void>;
  /** Starts one more node, a primary without slots, and has everyone know it. */
  addNode(): Promise<RedisServer>;
  stop(): Promise<void>;
}

/** Asks until the answer is true. */
async function until(what: string, limit: number, ask: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + limit;
  let last: unknown = '';
  for (;;) {
    try {
      if (await ask()) return;
    } catch (error) {
      last = error;
    }
    if (performance.now() > end) throw new Error(`not within ${limit} ms: ${what} ${String(last)}`);
    await pause(20);
  }
}

function parseNodes(text: string): NodeLine[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [id = '', address = '', flags = '', primary = '', , , , link = '', ...slots] = line.split(' ');
      return {
        id,
        port: Number(/:(\d+)@/.exec(address)?.[1]),
        flags: flags.split(','),
        primaryId: primary === '-' ? undefined : primary,
        linked: link === 'connected',
        slots,
      };
    });
}

/** What all nodes of a settled cluster say alike; undefined while one of them finds another ill or unknown. */
function agreement(lines: readonly NodeLine[]): string | undefined {
  const ill = new Set(['handshake', 'fail?', 'fail', 'noaddr']);
  if (lines.some(({ flags }) => flags.some((flag) => ill.has(flag)))) return undefined;
  return lines
    .map(({ id, primaryId = '-', slots }) =>
      [id, primaryId, ...slots.filter((slot) => !slot.startsWith('['))].join(' '),
    )
    .sort()
    .join('\n');
}

class OwnCluster implements RedisCluster {
  readonly #nodes: RedisServer[];
  readonly #options: RedisClusterOptions;

  constructor(nodes: RedisServer[], options: RedisClusterOptions) {
    this.#nodes = nodes;
    this.#options = options;
  }

  get nodes(): readonly RedisServer[] {
    return this.#nodes;
  }

  get urls(): readonly string[] {
    return this.#nodes.map(({ url }) => url);
  }

  async join(primaries: number): Promise<void> {
    const [first] = this.#nodes as [RedisServer];
    const ids = await Promise.all(this.#nodes.map(idOf));
    const share = (i: number): number => Math.floor((SLOTS * i) / primaries);
    await Promise.all(
      this.#nodes.map(async (node, i) => {
        await node.cli('CLUSTER', 'SET-CONFIG-EPOCH', String(i + 1));
        if (i < primaries) {
          await node.cli('CLUSTER', 'ADDSLOTSRANGE', String(share(i)), String(share(i + 1) - 1));
        }
        if (node !== first) await node.cli('CLUSTER', 'MEET', first.host, String(first.port));
      }),
    );
    await Promise.all(
      this.#nodes.map(async (node, i) => {
        if (i < primaries) return;
        const primaryId = ids[(i - primaries) % primaries] as string;
        // Refused until the node has heard of its primary.
        await until('a replica to know its primary', 10_000, async () => {
          const known = await this.view(node);
          if (!known.some((each) => each.id === primaryId)) return false;
          return (await node.cli('CLUSTER', 'REPLICATE', primaryId)) === 'OK';
        });
      }),
    );
    await this.untilWell();
  }

  async view(from?: RedisServer): Promise<NodeLine[]> {
    let failure: unknown;
    for (const node of from ? [from] : this.#nodes) {
      try {
        return parseNodes(String(await node.cli('CLUSTER', 'NODES')));
      } catch (error) {
        failure = error;
      }
    }
    throw failure;
  }

  async slotOf(key: string): Promise<number> {
    for (const node of this.#nodes) {
      try {
        return Number(await node.cli('CLUSTER', 'KEYSLOT', key));
      } catch {
        // This one is down; the others compute the same.
      }
    }
    throw new Error('no node of the cluster answers');
  }

  async ownerOf(key: string): Promise<RedisServer> {
    const slot = await this.slotOf(key);
    for (const line of await this.view()) {
      if (line.flags.some((flag) => flag === 'fail' || flag === 'slave')) continue;
      for (const range of line.slots) {
        const [from, to = from] = range.split('-').map(Number);
        if (slot >= (from ?? Infinity) && slot <= (to ?? -1)) return this.#at(line.port);
      }
    }
    throw new Error(`nobody owns slot ${slot}`);
  }

  async replicasOf(primary: RedisServer): Promise<RedisServer[]> {
    const lines = await this.view();
    const id = lines.find(({ port }) => port === primary.port)?.id;
    return lines
      .filter(({ primaryId, flags }) => primaryId === id && !flags.includes('fail'))
      .map(({ port }) => this.#at(port));
  }

  async cli(key: string, ...args: (string | Buffer)[]): Promise<TextReply> {
    const owner = await this.ownerOf(key);
    try {
      return await owner.cli(...args);
    } catch (error) {
      const port = error instanceof RawError ? /^MOVED \d+ .*:(\d+)$/.exec(error.message)?.[1] : undefined;
      if (port === undefined) throw error;
      return this.#at(Number(port)).cli(...args);
    }
  }

  async failOver(replica: RedisServer): Promise<void> {
    await replica.cli('CLUSTER', 'FAILOVER');
    await until('the replica to take over', 10_000, async () => {
      const [role] = (await replica.cli('ROLE')) as [string];
      return role === 'master';
    });
  }

  async untilPrimary(server: RedisServer, limit = 10_000): Promise<void> {
    await until(`port ${server.port} to be a primary`, limit, async () => {
      for (const node of this.#nodes) {
        if (node === server) continue;
        const lines = await this.view(node).catch(() => []);
        const line = lines.find(({ port }) => port === server.port);
        if (line) return line.flags.includes('master') && line.slots.length > 0;
      }
      return false;
    });
  }

  async untilWell(limit = 20_000): Promise<void> {
    await until('the cluster to be well', limit, async () => {
      const views = await Promise.all(
        this.#nodes.map(async (node) => {
          const info = String(await node.cli('CLUSTER', 'INFO'));
          const [role, , , link] = (await node.cli('ROLE')) as [string, unknown, unknown, string];
          const isWell = info.includes('cluster_state:ok') && (role === 'master' || link === 'connected');
          return isWell ? agreement(await this.view(node)) : undefined;
        }),
      );
      return views[0] !== undefined && views.every((view) => view === views[0]);
    });
  }

  async beginMigration(slot: number, from: RedisServer, to: RedisServer): Promise<void> {
    await to.cli('CLUSTER', 'SETSLOT', String(slot), 'IMPORTING', await idOf(from));
    await from.cli('CLUSTER', 'SETSLOT', String(slot), 'MIGRATING', await idOf(to));
  }

  async moveKeys(
    slot: number,
    from: RedisServer,
    to: RedisServer,
    between?: () => Promise<unknown>,
  ): Promise<number> {
    for (let moved = 0; ;) {
      const keys = (await from.cli('CLUSTER', 'GETKEYSINSLOT', String(slot), '10')) as string[];
      if (keys.length === 0) return moved;
      for (const key of keys) {
        await from.cli('MIGRATE', to.host, String(to.port), key, '0', '1000', 'REPLACE');
        moved++;
        await between?.();
      }
    }
  }

  async endMigration(slot: number, from: RedisServer, to: RedisServer): Promise<void> {
    const id = await idOf(to);
    await to.cli('CLUSTER', 'SETSLOT', String(slot), 'NODE', id);
    await from.cli('CLUSTER', 'SETSLOT', String(slot), 'NODE', id);
  }

  async addNode(): Promise<RedisServer> {
    const [first] = this.#nodes as [RedisServer];
    const added = await startNode(this.#options);
    this.#nodes.push(added);
    await added.cli('CLUSTER', 'MEET', first.host, String(first.port));
    const id = await idOf(added);
    await until('everyone to know the new node', 10_000, async () => {
      const views = await Promise.all(this.#nodes.map((node) => this.view(node)));
      return views.every((lines) =>
        lines.some((line) => line.id === id && !line.flags.includes('handshake')),
      );
    });
    await this.untilWell();
    return added;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#nodes.map((node) => node.stop()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #at(port: number): RedisServer {
    const found = this.#nodes.find((node) => node.port === port);
    if (!found) throw new Error(`no node of this cluster has port ${port}`);
    return found;
  }
}

async function idOf(node: RedisServer): Promise<string> {
  return String(await node.cli('CLUSTER', 'MYID'));
}

async function startNode({ node = {}, nodeTimeout = 1000 }: RedisClusterOptions): Promise<RedisServer> {
  const config = {
    'cluster-enabled': 'yes',
    'cluster-node-timeout': String(nodeTimeout),
    // A replica may take over however long ago it last heard of its primary: these tests freeze both.
    'cluster-replica-validity-factor': '0',
    'cluster-allow-replica-migration': 'no',
    'repl-diskless-sync-delay': '0',
    ...node.config,
  };
  for (let attempt = 1; ; attempt++) {
    // The bus takes the port that is 10,000 higher, and another server may have it: then the next pair is tried.
    const port = await freePort();
    try {
      return await startRedis({ ...node, config, port });
    } catch (error) {
      if (attempt === 5) throw error;
    }
  }
}

/**
 * Starts a Redis Cluster, every node at once, ready for commands when this resolves: in about three seconds, most of which a
 * node waits of its own accord before it calls itself well. Use it with `await using`, or `stop` it.
 */
export async function startRedisCluster(options: RedisClusterOptions = {}): Promise<RedisCluster> {
  const { primaries = 3, replicas = 1 } = options;
  const count = primaries * (1 + replicas);
  const started = await Promise.allSettled(Array.from({ length: count }, () => startNode(options)));
  const nodes = started.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
  const cluster = new OwnCluster(nodes, options);
  try {
    for (const each of started) if (each.status === 'rejected') throw each.reason;
    await cluster.join(primaries);
    return cluster;
  } catch (error) {
    await cluster.stop();
    throw error;
  }
}
