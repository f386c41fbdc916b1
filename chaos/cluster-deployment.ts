import { setTimeout as pause } from 'node:timers/promises';
import { startRedisCluster, type RedisCluster } from '../servers/redis-cluster.js';
import type { RedisServer } from '../servers/redis.js';
import { machineNow } from './history.js';
import { clusterCli } from './cluster-cli.js';
import { DURABLE, proxiesBefore, type ClusterFaults, type Deployment } from './deployment.js';

/** A node that restarts, loads its file and is met by the others again takes its time on a busy machine. */
const PATIENCE = 30_000;
/** Slots that are moved at a time, and milliseconds between two of their keys. */
const SLOTS = 6;
const BETWEEN_KEYS = 15;
/** Milliseconds that a primary stays away whose replica has taken over. */
const AWAY = 1500;

/** Three primaries with a replica each. The nodes tell each other's addresses, so each worker has a map to its proxies. */
export async function deployCluster(workers: number, seed: number): Promise<Deployment> {
  const cluster = await startRedisCluster({ node: DURABLE });
  const { nodes } = cluster;
  const proxies = await proxiesBefore(nodes, workers, seed);
  const holders = (): Promise<RedisServer[]> => primariesOf(cluster);
  return {
    servers: nodes,
    proxies,
    failsOver: true,
    cluster: new OwnClusterFaults(cluster),
    holders,
    remove: (key) => clusterCli(nodes, 'DEL', key),
    untilServing: () => untilServing(nodes),
    untilWell: () => cluster.untilWell(PATIENCE),
    optionsOf(worker) {
      const own = proxies[worker] ?? [];
      return {
        cluster: own.map(({ url }) => url),
        natMap: Object.fromEntries(
          nodes.map(({ host, port }, i) => [`${host}:${port}`, { host, port: own[i]?.port ?? port }]),
        ),
      };
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(proxies.flat().map((proxy) => proxy.close()));
      await cluster.stop();
    },
  };
}

/** In the order of the nodes, so that the same seed chooses the same one. */
async function primariesOf(cluster: RedisCluster): Promise<RedisServer[]> {
  const lines = await cluster.view();
  const ports = new Set(
    lines.filter(({ flags, slots }) => flags.includes('master') && slots.length > 0).map(({ port }) => port),
  );
  return cluster.nodes.filter(({ port }) => ports.has(port));
}

async function untilServing(nodes: readonly RedisServer[]): Promise<void> {
  const patience = AbortSignal.timeout(PATIENCE);
  for (;;) {
    const infos = await Promise.all(nodes.map((node) => node.cli('CLUSTER', 'INFO').catch(String)));
    if (infos.every((info) => String(info).includes('cluster_state:ok'))) return;
    await pause(10, undefined, { signal: patience });
  }
}

class OwnClusterFaults implements ClusterFaults {
  readonly #cluster: RedisCluster;

  constructor(cluster: RedisCluster) {
    this.#cluster = cluster;
  }

  async takeOver(primary: RedisServer): Promise<number> {
    const replica = await this.#replicaOf(primary);
    await primary.kill();
    await this.#cluster.untilPrimary(replica, PATIENCE);
    // A Cluster refuses all until its nodes agree that no slot is without a primary.
    const others = this.#cluster.nodes.filter((node) => node !== primary);
    await untilServing(others);
    const back = machineNow();
    // As long as it is away, it cannot tell who took its place.
    await pause(AWAY);
    await primary.restart();
    return back;
  }

  async failOver(primary: RedisServer): Promise<void> {
    await this.#cluster.failOver(await this.#replicaOf(primary));
  }

  async moveSlots(from: RedisServer, to: RedisServer): Promise<void> {
    for (const slot of await slotsInUse(from)) {
      await this.#cluster.beginMigration(slot, from, to);
      await this.#cluster.moveKeys(slot, from, to, () => pause(BETWEEN_KEYS));
      await this.#cluster.endMigration(slot, from, to);
    }
  }

  async #replicaOf(primary: RedisServer): Promise<RedisServer> {
    const [replica] = await this.#cluster.replicasOf(primary);
    if (!replica) throw new Error(`port ${primary.port} has no replica`);
    return replica;
  }
}

async function slotsInUse(node: RedisServer): Promise<number[]> {
  const [, keys] = (await node.cli('SCAN', '0', 'COUNT', '1000')) as [string, string[]];
  const slots = new Set<number>();
  for (const key of keys) {
    slots.add(Number(await node.cli('CLUSTER', 'KEYSLOT', key)));
    if (slots.size === SLOTS) break;
  }
  return [...slots];
}
