import type { BenchCache } from '../contender.js';
import { closedLoop } from '../runner/closed-loop.js';
import { redisCluster } from '../runner/cluster-resource.js';
import { fillOnce, keyOf } from '../runner/fill.js';
import type { PreparedCase, Workload, WorkloadCase } from '../workload.js';

/** Reads `atOnce` keys a call, the next ones with each call. */
async function prepare(cache: BenchCache, callers: number, atOnce: number): Promise<PreparedCase> {
  const values = await fillOnce(cache, 'profile');
  let loads = 0;
  let offset = 0;
  const load = (index: number): Promise<unknown> => {
    loads++;
    return Promise.resolve(values.at(index));
  };
  const many = (indexes: readonly number[]): Promise<readonly unknown[]> => {
    const keys = indexes.map((index) => keyOf(values, index));
    return cache.getMany?.(keys) ?? Promise.all(keys.map((key) => cache.get(key)));
  };
  return {
    async round(seconds) {
      const result = await closedLoop({
        callers,
        seconds,
        loads: () => loads,
        async call(n) {
          const first = (offset + n) * atOnce;
          if (atOnce === 1) {
            const index = first % values.count;
            return values.isRight(await cache.getOrSet(keyOf(values, index), () => load(index)), index);
          }
          const indexes = Array.from({ length: atOnce }, (_, i) => (first + i) % values.count);
          const found = await many(indexes);
          return indexes.every((index, i) => values.isRight(found[i], index));
        },
      });
      offset += result.operations;
      return { ...result, operations: result.operations * atOnce };
    },
  };
}

function caseOf(name: string, callers: number, atOnce: number): WorkloadCase {
  return { name, quick: true, prepare: (cache) => prepare(cache, callers, atOnce) };
}

export const cluster: Workload = {
  id: 'cluster',
  title: 'Hits in a Redis Cluster',
  description:
    'keys of 400 B that are in a Cluster of three primaries and not in the process; keys a second; CPU, commands and round trips of a key',
  contenders: ['tiercel-cluster', 'bentocache-cluster', 'floor-one-server', 'floor-ioredis-cluster'],
  layers: ['redis'],
  resource: redisCluster(3),
  score: { title: 'keys/s', better: 'higher', of: (round) => round.operations / round.seconds },
  comparesWithFloor: true,
  columns: ['cpu', 'p99', 'commands', 'trips'],
  cases: [
    caseOf('getOrSet, 64 callers', 64, 1),
    caseOf('getOrSet, 512 callers', 512, 1),
    caseOf('300 keys at once, 8 callers', 8, 300),
  ],
};
