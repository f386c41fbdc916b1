import { setTimeout as pause } from 'node:timers/promises';
import type { FaultProxy } from 'tiercel/testing';
import type { ClusterFaults, Deployment } from './deployment.js';
import type { Fleet } from './fleet.js';
import { machineNow, type Fault, type FaultName } from './history.js';
import type { PlannedFault } from './schedule.js';

const OF_ALL: ReadonlySet<FaultName> = new Set([
  'redis freeze',
  'redis kill',
  'client kill',
  'flush',
  'takeover',
  'failover',
  'slot move',
]);

/** Has the fault happen, and resolves when what caused it is over. */
export async function inflict(
  plan: PlannedFault,
  deployment: Deployment,
  fleet: Fleet,
  databases: readonly FaultProxy[],
): Promise<Fault> {
  const { name, lasts, worker, server: chosen } = plan;
  const holders = await deployment.holders();
  const server = holders[chosen % holders.length];
  if (!server) throw new Error('there is no server');
  const database = databases[worker];
  if (!database) throw new Error('there is no way to the database');
  const begin = machineNow();
  let back: number | undefined;
  switch (name) {
    case 'redis freeze':
      await server.freeze();
      await pause(lasts);
      await server.thaw();
      await deployment.untilServing();
      break;
    case 'redis kill':
      await server.kill();
      await pause(lasts);
      await server.restart();
      await deployment.untilServing();
      break;
    case 'client kill':
      await server.cli('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
      break;
    case 'flush':
      // Whoever empties a Cluster means all of it; one of several shards is emptied alone.
      await Promise.all((deployment.cluster ? holders : [server]).map((one) => one.cli('FLUSHALL')));
      break;
    case 'takeover':
      back = await clusterOf(deployment).takeOver(server);
      break;
    case 'failover':
      await clusterOf(deployment).failOver(server);
      break;
    case 'slot move':
      await clusterOf(deployment).moveSlots(server, holders[(chosen + 1) % holders.length] ?? server);
      break;
    case 'worker kill':
      await fleet.kill(worker);
      await pause(lasts);
      await fleet.replace(worker);
      break;
    case 'worker stop':
      fleet.signal(worker, 'SIGSTOP');
      await pause(lasts);
      fleet.signal(worker, 'SIGCONT');
      break;
    case 'cut':
      proxyOf(deployment, plan).cut();
      await pause(lasts);
      proxyOf(deployment, plan).heal();
      break;
    case 'slow':
      proxyOf(deployment, plan).slow({ latency: 60, jitter: 150, bandwidth: 200_000 });
      await pause(lasts);
      proxyOf(deployment, plan).heal();
      break;
    case 'black hole':
      proxyOf(deployment, plan).blackHole();
      break;
    case 'lost answers':
      proxyOf(deployment, plan).loseAnswers();
      break;
    case 'reset amid an answer':
      proxyOf(deployment, plan).resetAmidAnswer(3);
      break;
    case 'garbage':
      proxyOf(deployment, plan).garble();
      break;
    case 'postgres slow':
      database.slow({ latency: 40, jitter: 200, bandwidth: 100_000 });
      await pause(lasts);
      database.heal();
      break;
    case 'postgres cut':
      database.cut();
      await pause(lasts);
      database.heal();
      break;
    case 'postgres reset':
      database.reset();
      break;
  }
  const end = machineNow();
  return OF_ALL.has(name) ? { name, begin, back, end } : { name, begin, end, worker };
}

/** Between the worker and one of the servers. */
function proxyOf({ proxies }: Deployment, { name, worker, server }: PlannedFault): FaultProxy {
  const own = proxies[worker] ?? [];
  const proxy = own[server % Math.max(1, own.length)];
  if (!proxy) throw new Error(`there is no proxy for ${name}`);
  return proxy;
}

function clusterOf({ cluster }: Deployment): ClusterFaults {
  if (!cluster) throw new Error('there is no cluster');
  return cluster;
}
