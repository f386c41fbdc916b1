import type { BenchCache } from '../contender.js';
import { closedLoop } from '../runner/closed-loop.js';
import { countWrong, fill, keyOf } from '../runner/fill.js';
import { makeValues, type ValueKind, type Values } from '../values.js';
import type { PreparedCase, Workload, WorkloadCase } from '../workload.js';

/** Filled once a process: the cases of one kind read the same keys. */
const filled = new Map<ValueKind, Values>();

async function valuesInRedis(cache: BenchCache, kind: ValueKind): Promise<Values> {
  const known = filled.get(kind);
  if (known !== undefined) return known;
  const values = makeValues(kind);
  await fill(cache, values);
  const wrong = await countWrong((key) => cache.get(key), values);
  if (wrong > 0) throw new Error(`${wrong} values came back changed by get()`);
  filled.set(kind, values);
  return values;
}

async function prepare(cache: BenchCache, kind: ValueKind, callers: number): Promise<PreparedCase> {
  const values = await valuesInRedis(cache, kind);
  let loads = 0;
  // Round after round goes on where the last one ended: no two calls under way have one key, so nobody gains by sharing.
  let offset = 0;
  const read = (index: number): Promise<unknown> =>
    cache.getOrSet(keyOf(values, index), () => {
      loads++;
      return Promise.resolve(values.at(index));
    });
  return {
    async round(seconds) {
      const result = await closedLoop({
        callers,
        seconds,
        loads: () => loads,
        async call(n) {
          const index = (offset + n) % values.count;
          return values.isRight(await read(index), index);
        },
      });
      offset += result.operations;
      return result;
    },
    verify: () => countWrong((key) => read(Number(key.slice(key.indexOf(':') + 1))), values),
  };
}

function caseOf(kind: ValueKind, size: string, callers: number): WorkloadCase {
  return {
    name: `${size}, ${callers} callers`,
    quick: callers > 64,
    prepare: (cache) => prepare(cache, kind, callers),
  };
}

export const l2Hit: Workload = {
  id: 'l2-hit',
  title: 'Hits in Redis',
  description:
    'getOrSet of keys that are in Redis and not in the process; each caller asks again as soon as it is answered',
  score: { title: 'ops/s', better: 'higher', of: (round) => round.operations / round.seconds },
  comparesWithFloor: true,
  readsRedis: true,
  showsLoads: false,
  cases: [
    caseOf('profile', '400 B', 64),
    caseOf('profile', '400 B', 512),
    caseOf('posts', '10 KiB', 64),
    caseOf('posts', '10 KiB', 512),
  ],
};
