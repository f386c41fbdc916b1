import { Random } from '../../demo/random.js';
import { Zipf } from '../../demo/zipf.js';
import type { BenchCache } from '../contender.js';
import { CACHES } from '../contenders/index.js';
import { closedLoop } from '../runner/closed-loop.js';
import { isProfile, profile } from '../values.js';
import type { PreparedCase, Workload } from '../workload.js';

const KEYS = 1_000_000;
const EXPONENT = 0.99;
const MEMORY_ENTRIES = 10_000;
const CALLERS = 64;
const SEED = 12;
/** Everyone is given the same calls, however long they take: the faster would otherwise meet a fuller cache. */
const CALLS_A_SECOND = 60_000;
/** Calls before the first round, so that memory is full and has begun to choose. */
const FILLING = 40_000;

async function prepare(cache: BenchCache): Promise<PreparedCase> {
  const zipf = new Zipf(KEYS, EXPONENT);
  const random = new Random(SEED);
  let loads = 0;
  const run = (calls: number): ReturnType<typeof closedLoop> => {
    const ids = Uint32Array.from({ length: calls }, () => zipf.draw(random));
    return closedLoop({
      callers: CALLERS,
      seconds: Infinity,
      calls,
      loads: () => loads,
      async call(n) {
        const id = ids[n] ?? 0;
        const load = (): Promise<unknown> => {
          loads++;
          return Promise.resolve(profile(id));
        };
        return isProfile(await cache.getOrSet(`profile:${id}`, load), id);
      },
    });
  };
  await run(FILLING);
  return { round: (seconds) => run(Math.round(seconds * CALLS_A_SECOND)) };
}

export const zipf: Workload = {
  id: 'zipf',
  title: 'Hot and rare keys',
  description:
    `getOrSet of ${KEYS.toLocaleString('en-US')} keys, Zipf ${EXPONENT}, with room for ${MEMORY_ENTRIES.toLocaleString('en-US')} in memory, ` +
    'the rest in Redis as they were loaded; every contender is given the same calls',
  contenders: [...CACHES, 'floor-mget', 'floor-send-command'],
  layers: ['memory+redis', 'redis'],
  memoryEntries: MEMORY_ENTRIES,
  score: { title: 'ops/s', better: 'higher', of: (round) => round.operations / round.seconds },
  comparesWithFloor: true,
  columns: ['cpu', 'p99', 'loads', 'commands'],
  cases: [{ name: `400 B, ${CALLERS} callers`, quick: true, prepare }],
};
