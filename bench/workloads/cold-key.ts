import { setTimeout as pause } from 'node:timers/promises';
import type { BenchCache } from '../contender.js';
import { burst } from '../runner/closed-loop.js';
import { makeValues } from '../values.js';
import type { PreparedCase, Workload } from '../workload.js';

const CALLERS = 1_000;
const LOAD_MS = 50;

function prepare(cache: BenchCache): Promise<PreparedCase> {
  const values = makeValues('profile');
  let loads = 0;
  let turn = 0;
  return Promise.resolve({
    round() {
      const index = turn++ % values.count;
      const key = `cold:${turn}`;
      const expected = values.at(index);
      const load = async (): Promise<unknown> => {
        loads++;
        await pause(LOAD_MS);
        return expected;
      };
      return burst(
        CALLERS,
        async () => values.isRight(await cache.getOrSet(key, load), index),
        () => loads,
      );
    },
  });
}

export const coldKey: Workload = {
  id: 'cold-key',
  title: 'One cold key',
  description: `${CALLERS} callers in one tick ask getOrSet for one key that is nowhere; a load takes ${LOAD_MS} ms`,
  score: { title: 'ms until all have it', better: 'lower', of: (round) => round.seconds * 1_000 },
  comparesWithFloor: false,
  readsRedis: false,
  showsLoads: true,
  cases: [{ name: `${CALLERS} callers, 400 B`, quick: true, prepare }],
};
