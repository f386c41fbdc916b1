import { startSentinel } from '../servers/redis-sentinel.js';
import { startRedis } from '../servers/redis.js';
import { deployCluster } from './cluster-deployment.js';
import {
  DURABLE,
  FAULTS_ANYWHERE,
  FAULTS_OF_THE_WAY,
  proxiesBefore,
  type Deployment,
  type Topology,
} from './deployment.js';

export async function deploy(topology: Topology, workers: number, seed: number): Promise<Deployment> {
  if (topology === 'sentinel') return deploySentinel();
  if (topology === 'cluster') return deployCluster(workers, seed);
  const servers = await Promise.all(
    Array.from({ length: topology === 'shards' ? 3 : 1 }, () => startRedis(DURABLE)),
  );
  const proxies = await proxiesBefore(servers, workers, seed);
  return {
    faults: [...FAULTS_ANYWHERE, ...FAULTS_OF_THE_WAY],
    servers,
    proxies,
    failsOver: false,
    holders: async () => servers,
    async remove(key) {
      await Promise.all(servers.map((server) => server.cli('DEL', key)));
    },
    untilServing: async () => undefined,
    untilWell: async () => undefined,
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
    faults: FAULTS_ANYWHERE,
    servers,
    proxies: [],
    failsOver: true,
    holders: async () => [await deployment.primary()],
    async remove(key) {
      await (await deployment.primary()).cli('DEL', key);
    },
    untilServing: async () => undefined,
    untilWell: () => deployment.healed(),
    optionsOf: () => ({ sentinel: { name, nodes } }),
    [Symbol.asyncDispose]: () => deployment.stop(),
  };
}
