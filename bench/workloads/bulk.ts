import type { BenchCache } from '../contender.js';
import { CACHES } from '../contenders/index.js';
import { closedLoop } from '../runner/closed-loop.js';
import { fillOnce, keyOf } from '../runner/fill.js';
import type { PreparedCase, Workload, WorkloadCase } from '../workload.js';

const AT_ONCE = 100;
const CALLERS = 16;

type Read = (keys: readonly string[], load: (at: number) => Promise<unknown>) => Promise<readonly unknown[]>;

function oneCall({ getMany, get }: BenchCache): { read: Read; calls: number } {
  if (getMany) return { read: (keys) => getMany(keys), calls: 1 };
  return { read: (keys) => Promise.all(keys.map((key) => get(key))), calls: AT_ONCE };
}

function manyCalls({ getOrSet }: BenchCache): { read: Read; calls: number } {
  return {
    read: (keys, load) => Promise.all(keys.map((key, at) => getOrSet(key, () => load(at)))),
    calls: AT_ONCE,
  };
}

async function prepare(
  cache: BenchCache,
  way: (cache: BenchCache) => { read: Read; calls: number },
): Promise<PreparedCase> {
  const values = await fillOnce(cache, 'profile');
  const { read, calls } = way(cache);
  let loads = 0;
  let offset = 0;
  return {
    async round(seconds) {
      const result = await closedLoop({
        callers: CALLERS,
        seconds,
        loads: () => loads,
        async call(n) {
          const first = (offset + n) * AT_ONCE;
          const indexes = Array.from({ length: AT_ONCE }, (_, i) => (first + i) % values.count);
          const load = (at: number): Promise<unknown> => {
            loads++;
            return Promise.resolve(values.at(indexes[at] ?? 0));
          };
          const found = await read(
            indexes.map((index) => keyOf(values, index)),
            load,
          );
          return indexes.every((index, i) => values.isRight(found[i], index));
        },
      });
      offset += result.operations;
      return { ...result, operations: result.operations * AT_ONCE, figures: { calls } };
    },
  };
}

function caseOf(name: string, way: Parameters<typeof prepare>[1]): WorkloadCase {
  return { name, quick: true, prepare: (cache) => prepare(cache, way) };
}

export const bulk: Workload = {
  id: 'bulk',
  title: 'A hundred keys at once',
  description:
    `${AT_ONCE} keys of 400 B that are in Redis, ${CALLERS} callers; who has no call for many keys makes ${AT_ONCE} calls. ` +
    'CPU and commands are those of a key, p99 that of a hundred',
  contenders: [...CACHES, 'floor-mget', 'floor-send-command'],
  layers: ['redis'],
  score: { title: 'keys/s', better: 'higher', of: (round) => round.operations / round.seconds },
  figures: [{ key: 'calls', title: 'calls for 100', digits: 0 }],
  comparesWithFloor: true,
  answersFrom: 'redis',
  cases: [caseOf('one getMany', oneCall), caseOf(`${AT_ONCE} getOrSet in one turn`, manyCalls)],
};
