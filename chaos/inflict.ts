import { setTimeout as pause } from 'node:timers/promises';
import type { Deployment } from './deployment.js';
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
  { name, lasts, worker, server: chosen }: PlannedFault,
  deployment: Deployment,
  fleet: Fleet,
): Promise<Fault> {
  const holders = await deployment.holders();
  const server = holders[chosen % holders.length];
  const proxies = deployment.proxies[worker] ?? [];
  const proxy = proxies[chosen % Math.max(1, proxies.length)];
  if (!server) throw new Error('there is no server');
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
      back = await deployment.cluster?.takeOver(server);
      break;
    case 'failover':
      await deployment.cluster?.failOver(server);
      break;
    case 'slot move':
      await deployment.cluster?.moveSlots(server, holders[(chosen + 1) % holders.length] ?? server);
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
      proxy?.cut();
      await pause(lasts);
      proxy?.heal();
      break;
    case 'slow':
      proxy?.slow({ latency: 60, jitter: 150, bandwidth: 200_000 });
      await pause(lasts);
      proxy?.heal();
      break;
    case 'black hole':
      proxy?.blackHole();
      break;
    case 'lost answers':
      proxy?.loseAnswers();
      break;
    case 'reset amid an answer':
      proxy?.resetAmidAnswer(3);
      break;
    case 'garbage':
      proxy?.garble();
      break;
  }
  const end = machineNow();
  return OF_ALL.has(name) ? { name, begin, back, end } : { name, begin, end, worker };
}
