import { setTimeout as pause } from 'node:timers/promises';
import type { BenchCache } from '../contender.js';
import { CACHES } from '../contenders/index.js';
import { burst } from '../runner/closed-loop.js';
import { makeValues } from '../values.js';
import type { PreparedCase, Workload, WorkloadCase } from '../workload.js';

const LOAD_MS = 50;
const PROCESSES = 4;

function prepare(cache: BenchCache, name: string, callers: number): Promise<PreparedCase> {
  const values = makeValues('profile');
  let loads = 0;
  let turn = 0;
  return Promise.resolve({
    // All processes of a contender run the same rounds, and so ask for the same key.
    round() {
      const index = turn++ % values.count;
      const key = `${name}:${turn}`;
      const expected = values.at(index);
      const load = async (): Promise<unknown> => {
        loads++;
        await pause(LOAD_MS);
        return expected;
      };
      return burst(
        callers,
        async () => values.isRight(await cache.getOrSet(key, load), index),
        () => loads,
      );
    },
  });
}

/** @param callers - of each process. */
function caseOf(processes: number, callers: number): WorkloadCase {
  return {
    name:
      processes === 1 ? `1 process, ${callers} callers` : `${processes} processes, ${callers} callers each`,
    quick: true,
    prepare: (cache, { index }) => prepare(cache, `cold-in-${processes}`, index < processes ? callers : 0),
  };
}

const COMMON = {
  description:
    `1,000 callers at once ask getOrSet for one key that is nowhere; a load takes ${LOAD_MS} ms. ` +
    'With several processes p99 is that of the slowest one',
  contenders: [...CACHES, 'floor-send-command'],
  processes: PROCESSES,
  score: { title: 'ms until all have it', better: 'lower', of: (round) => round.seconds * 1_000 },
  comparesWithFloor: false,
  columns: ['cpu', 'p99', 'loads', 'commands'],
  cases: [caseOf(1, 1_000), caseOf(PROCESSES, 1_000 / PROCESSES)],
} as const satisfies Partial<Workload>;

export const stampede: Workload = {
  ...COMMON,
  id: 'stampede',
  title: 'One cold key',
  layers: ['memory+redis', 'redis'],
};

/** Without memory Tiercel is not told of changes either, and has to ask for the end of another process's load. */
export const stampedeOverRedis: Workload = {
  ...COMMON,
  id: 'stampede-redis',
  title: 'One cold key, Redis only',
  layers: ['redis'],
};
