import type { RedisOptions } from 'tiercel';
import { FaultProxy } from 'tiercel/testing';
import { startSentinel } from '../servers/redis-sentinel.js';
import { startRedis, type RedisServer } from '../servers/redis.js';

export const TOPOLOGIES = ['single', 'sentinel', 'shards'] as const;
export type Topology = (typeof TOPOLOGIES)[number];

/** The Redis that the fleet shares, and each worker's way to it. */
export interface Deployment extends AsyncDisposable {
  readonly servers: readonly RedisServer[];
  /** Of each worker, one for each server; empty where the servers' addresses are told elsewhere, and no proxy can stand between. */
  readonly proxies: ReadonlyArray<readonly FaultProxy[]>;
  optionsOf(worker: number): RedisOptions;
  /** The server that holds the keys, or each of them. */
  holders(): Promise<readonly RedisServer[]>;
}

/** A write that waits for the database must survive a SIGKILL, whatever the disk is doing. */
const DURABLE = { appendonly: true, config: { appendfsync: 'always' } } as const;

export async function deploy(topology: Topology, workers: number, seed: number): Promise<Deployment> {
  if (topology === 'sentinel') return deploySentinel();
  const servers = await Promise.all(
    Array.from({ length: topology === 'shards' ? 3 : 1 }, () => startRedis(DURABLE)),
  );
  const proxies = await Promise.all(
    Array.from({ length: workers }, (_, worker) =>
      Promise.all(servers.map(({ port }, i) => FaultProxy.to({ port, seed: seed + worker * 100 + i }))),
    ),
  );
  return {
    servers,
    proxies,
    holders: async () => servers,
    optionsOf(worker) {
      const urls = (proxies[worker] ?? []).map(({ url }) => url);
      if (topology === 'single') return { url: urls[0] ?? '' };
      return { shards: urls.map((url, i) => ({ url, name: `shard-${i}` })) };
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(proxies.flat().map((proxy) => proxy.close()));
      await Promise.all(servers.map((server) => server.stop()));
    },
  };
}

async function deploySentinel(): Promise<Deployment> {
  const deployment = await startSentinel({ redis: DURABLE });
  const { name, sentinels, servers } = deployment;
  const nodes = sentinels.map(({ host, port }) => ({ host, port }));
  return {
    servers,
    proxies: [],
    holders: async () => [await deployment.primary()],
    optionsOf: () => ({ sentinel: { name, nodes } }),
    [Symbol.asyncDispose]: () => deployment.stop(),
  };
}
