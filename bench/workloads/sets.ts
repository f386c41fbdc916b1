import type { BenchCache } from '../contender.js';
import { CACHES } from '../contenders/index.js';
import { closedLoop } from '../runner/closed-loop.js';
import { countWrong, keyOf, TTL_MS } from '../runner/fill.js';
import { makeValues, type ValueKind } from '../values.js';
import type { PreparedCase, Workload, WorkloadCase } from '../workload.js';

function prepare(cache: BenchCache, kind: ValueKind, callers: number): Promise<PreparedCase> {
  const values = makeValues(kind);
  /** The value each key holds now, -1 before its first write. Every write brings another one, so that a lost one is seen. */
  const held = new Int32Array(values.count).fill(-1);
  const valueOf = (key: number): number => held[key] ?? -1;
  let offset = 0;
  return Promise.resolve({
    async round(seconds) {
      const result = await closedLoop({
        callers,
        seconds,
        loads: () => 0,
        async call(n) {
          const key = (offset + n) % values.count;
          const value = (valueOf(key) + 1 || key + 1) % values.count;
          held[key] = value;
          await cache.set(keyOf(values, key), values.at(value), TTL_MS);
          return true;
        },
      });
      offset += result.operations;
      return result;
    },
    verify: () => countWrong((key) => cache.get(key), values, valueOf),
  });
}

function caseOf(kind: ValueKind, size: string, callers: number): WorkloadCase {
  return {
    name: `${size}, ${callers} callers`,
    quick: callers > 64,
    prepare: (cache) => prepare(cache, kind, callers),
  };
}

export const sets: Workload = {
  id: 'sets',
  title: 'Writes',
  description:
    'set with a TTL of 15 minutes, every write another value than the key held; the next once that one is done',
  score: { title: 'ops/s', better: 'higher', of: (round) => round.operations / round.seconds },
  contenders: [...CACHES, 'floor-send-command', 'floor-node-redis', 'floor-ioredis'],
  layers: ['redis'],
  comparesWithFloor: true,
  cases: [
    caseOf('profile', '400 B', 64),
    caseOf('profile', '400 B', 512),
    caseOf('posts', '10 KiB', 64),
    caseOf('posts', '10 KiB', 512),
  ],
};
