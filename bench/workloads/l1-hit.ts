import { setImmediate as nextTurn } from 'node:timers/promises';
import { Random } from '../../demo/random.js';
import type { BenchCache } from '../contender.js';
import { CACHES } from '../contenders/index.js';
import { measured } from '../runner/closed-loop.js';
import { countWrong, forEachIndex, keyOf } from '../runner/fill.js';
import { makeValues, type ValueKind } from '../values.js';
import type { PreparedCase, Workload, WorkloadCase } from '../workload.js';

/** Reads in a row before the event loop has its turn, as it has in any application. */
const IN_A_ROW = 1_000;
const ORDER_SEED = 11;

async function prepare(cache: BenchCache, kind: ValueKind): Promise<PreparedCase> {
  const values = makeValues(kind);
  // Neither building the key nor a convenient order is part of what is measured.
  const order = new Random(ORDER_SEED).permutation(values.count);
  const keys = Array.from({ length: values.count }, (_, index) => keyOf(values, index));
  const keyAt = (index: number): string => keys[index] ?? '';
  let loads = 0;
  const loading = (index: number) => () => {
    loads++;
    return Promise.resolve(values.at(index));
  };
  // The first read loads, the second may still have to come from Redis.
  for (let pass = 0; pass < 2; pass++) {
    await forEachIndex(values.count, 1, async (index) => {
      await cache.getOrSet(keyAt(index), loading(index));
    });
  }
  let current = 0;
  const load = (): Promise<unknown> => loading(current)();
  const read = (key: string): Promise<unknown> => cache.getOrSet(key, load);
  const wrong = await countWrong(read, values);
  if (wrong > 0) throw new Error(`${wrong} values came back changed`);

  let at = 0;
  return {
    round: (seconds) =>
      measured(async () => {
        const end = performance.now() + seconds * 1_000;
        const loadsBefore = loads;
        let operations = 0;
        let wrongNow = 0;
        const started = performance.now();
        do {
          for (let i = 0; i < IN_A_ROW; i++) {
            current = order[at] ?? 0;
            at = at + 1 === values.count ? 0 : at + 1;
            const value = await cache.getOrSet(keyAt(current), load);
            if (!values.hasItsId(value, current)) wrongNow++;
          }
          operations += IN_A_ROW;
          await nextTurn();
        } while (performance.now() < end);
        const nanos = ((performance.now() - started) / operations) * 1e6;
        const counts = { operations, wrong: wrongNow, errors: 0, loads: loads - loadsBefore };
        return { ...counts, p99Ms: 0, figures: { nanos } };
      }),
    verify: () => countWrong(read, values),
  };
}

function caseOf(kind: ValueKind, size: string): WorkloadCase {
  return { name: size, quick: true, prepare: (cache) => prepare(cache, kind) };
}

export const l1Hit: Workload = {
  id: 'l1-hit',
  title: 'Hits in memory',
  description:
    'awaited getOrSet of keys that are in the memory of the process, one after the other, in a random order; the check of the answer included',
  contenders: [...CACHES, 'bentocache-shared', 'cacheable-shared', 'floor-map'],
  layers: ['memory+redis', 'memory'],
  score: { title: 'ops/s', better: 'higher', of: (round) => round.operations / round.seconds },
  figures: [{ key: 'nanos', title: 'ns/call', digits: 0 }],
  comparesWithFloor: true,
  answersFrom: 'memory',
  columns: ['cpu', 'commands'],
  cases: [caseOf('profile', '400 B'), caseOf('posts', '10 KiB')],
};
