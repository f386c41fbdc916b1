import { setTimeout as pause } from 'node:timers/promises';
import { startSentinel, type SentinelDeployment } from '../servers/redis-sentinel.js';
import { startRedis } from '../servers/redis.js';
import { deployCluster } from './cluster-deployment.js';
import { DURABLE, proxiesBefore, type Deployment, type Topology } from './deployment.js';

/** Milliseconds that a failover may take on a busy machine. */
const PATIENCE = 30_000;

export async function deploy(topology: Topology, workers: number, seed: number): Promise<Deployment> {
  if (topology === 'sentinel') return deploySentinel();
  if (topology === 'cluster') return deployCluster(workers, seed);
  const servers = await Promise.all(
    Array.from({ length: topology === 'shards' ? 3 : 1 }, () => startRedis(DURABLE)),
  );
  const proxies = await proxiesBefore(servers, workers, seed);
  return {
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
    servers,
    proxies: [],
    failsOver: true,
    holders: async () => [await deployment.primary()],
    async remove(key) {
      await (await deployment.primary()).cli('DEL', key);
    },
    untilServing: () => untilSure(deployment),
    untilWell: () => deployment.healed(),
    optionsOf: () => ({ sentinel: { name, nodes } }),
    [Symbol.asyncDispose]: () => deployment.stop(),
  };
}

/** Resolves when all sentinels name one primary, hold it to be there, and it takes itself for that. */
async function untilSure(deployment: SentinelDeployment): Promise<void> {
  const patience = AbortSignal.timeout(PATIENCE);
  const { name, sentinels } = deployment;
  for (;;) {
    const views = await Promise.all(sentinels.map((one) => one.cli('SENTINEL', 'MASTER', name)));
    const flags = views.map((view) => (view as string[])[(view as string[]).indexOf('flags') + 1]);
    const primary = await deployment.primary().catch(() => undefined);
    const role = (await primary?.cli('ROLE').catch(() => [])) as string[] | undefined;
    if (role?.[0] === 'master' && flags.every((flag) => flag === 'master')) return;
    await pause(10, undefined, { signal: patience });
  }
}
