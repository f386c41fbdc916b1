import type { BenchCache } from '../contender.js';
import { CACHES } from '../contenders/index.js';
import { closedLoop } from '../runner/closed-loop.js';
import { countWrong, fillOnce, keyOf } from '../runner/fill.js';
import type { ValueKind } from '../values.js';
import type { PreparedCase, Workload, WorkloadCase } from '../workload.js';

async function prepare(cache: BenchCache, kind: ValueKind, callers: number): Promise<PreparedCase> {
  const values = await fillOnce(cache, kind);
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
    name: `${size}, ${callers} ${callers === 1 ? 'caller' : 'callers'}`,
    quick: callers !== 64,
    prepare: (cache) => prepare(cache, kind, callers),
  };
}

export const l2Hit: Workload = {
  id: 'l2-hit',
  title: 'Hits in Redis',
  description:
    'getOrSet of keys that are in Redis and not in the process; each caller asks again as soon as it is answered',
  score: { title: 'ops/s', better: 'higher', of: (round) => round.operations / round.seconds },
  contenders: [...CACHES, 'floor-mget', 'floor-send-command', 'floor-node-redis', 'floor-ioredis'],
  layers: ['redis'],
  comparesWithFloor: true,
  answersFrom: 'redis',
  cases: [
    // One read after the other: nothing can be asked for together, so that this is what the cache itself adds to a bare client.
    caseOf('profile', '400 B', 1),
    caseOf('profile', '400 B', 64),
    caseOf('profile', '400 B', 512),
    caseOf('posts', '10 KiB', 64),
    caseOf('posts', '10 KiB', 512),
  ],
};
