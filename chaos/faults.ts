import type { Topology } from './deployment.js';
import type { FaultName } from './history.js';

/** What happens to a server, to a process, and to somebody's keys. */
const OF_SERVERS: readonly FaultName[] = [
  'redis freeze',
  'redis kill',
  'client kill',
  'flush',
  'worker kill',
  'worker stop',
];
/** What happens between a process and the database. */
const OF_THE_DATABASE: readonly FaultName[] = ['postgres slow', 'postgres cut', 'postgres reset'];
/** What happens between a process and a server. */
const OF_THE_WAY: readonly FaultName[] = [
  'cut',
  'black hole',
  'slow',
  'lost answers',
  'reset amid an answer',
  'garbage',
];
const EVERYWHERE = [...OF_SERVERS, ...OF_THE_DATABASE];
const OF_A_CLUSTER: readonly FaultName[] = ['takeover', 'failover', 'slot move'];

/** What can happen in each. Sentinels tell the servers' own addresses, and no proxy can stand before those. */
const FAULTS_OF: Readonly<Record<Topology, readonly FaultName[]>> = {
  single: [...EVERYWHERE, ...OF_THE_WAY],
  sentinel: EVERYWHERE,
  shards: [...EVERYWHERE, ...OF_THE_WAY],
  cluster: [...EVERYWHERE, ...OF_THE_WAY, ...OF_A_CLUSTER],
};

/**
 * Those that were asked for, or all that there are.
 *
 * @throws Error for one that cannot happen there: it would be counted, and nothing would have been tried.
 */
export function chooseFaults(topology: Topology, asked: readonly string[] | undefined): readonly FaultName[] {
  const faults = FAULTS_OF[topology];
  const missing = asked?.filter((name) => !(faults as readonly string[]).includes(name)) ?? [];
  if (missing.length > 0) {
    throw new Error(
      `topology ${topology} has no fault '${missing.join("', '")}'; it has ${faults.join(', ')}`,
    );
  }
  if (asked?.length === 0) throw new Error('no fault was asked for');
  return (asked as readonly FaultName[] | undefined) ?? faults;
}
