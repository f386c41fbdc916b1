import type { BenchCache } from '../contender.js';
import { closedLoop } from '../runner/closed-loop.js';
import { redisCluster } from '../runner/cluster-resource.js';
import { forEachIndex, TTL_MS } from '../runner/fill.js';
import type { PreparedCase, Workload, WorkloadCase } from '../workload.js';

/** The ends of the axes, and what stays the same on the others. */
const KEYS = [1_000, 10_000, 100_000, 1_000_000];
const CALLERS = [1, 10, 100, 1_000];
const PRIMARIES = [1, 3, 6];
const BYTES = [100, 1_024, 10_240, 102_400, 1_048_576];
const USUAL = { keys: 2_000, callers: 100, bytes: 400 };
/** Keys of one value's size, so that the largest do not fill the machine. */
const BYTES_IN_ALL = 200 * 1_048_576;
/** Asked for at once. More than that takes longer than Tiercel's deadline on a small machine, which is not what is asked here. */
const BYTES_AT_ONCE = 8 * 1_048_576;
const FILLING = 64;

interface Sized {
  readonly id: number;
  readonly text: string;
}

type Size = typeof USUAL;

async function prepare(cache: BenchCache, name: string, size: Size): Promise<PreparedCase> {
  const keys = Math.min(size.keys, Math.ceil(BYTES_IN_ALL / size.bytes));
  const text = 'the quick cache '.repeat(Math.ceil(size.bytes / 16)).slice(0, size.bytes);
  const keyOf = (id: number): string => `${name}:${id}`;
  const valueOf = (id: number): Sized => ({ id, text });
  const atOnce = Math.floor(BYTES_AT_ONCE / size.bytes);
  const store = (id: number): Promise<void> => cache.set(keyOf(id), valueOf(id), TTL_MS);
  // Among a million writes one may meet a pause of the machine, which is not what is asked here either.
  await forEachIndex(keys, 1, (id) => store(id).catch(() => store(id)), Math.min(FILLING, atOnce));
  let loads = 0;
  let offset = 0;
  // A step that is prime to every number of keys here visits them all, in no convenient order.
  const idOf = (n: number): number => ((offset + n) * 611_953) % keys;
  return {
    async round(seconds) {
      const result = await closedLoop({
        callers: Math.min(size.callers, atOnce),
        seconds,
        loads: () => loads,
        async call(n) {
          const id = idOf(n);
          const load = (): Promise<unknown> => {
            loads++;
            return Promise.resolve(valueOf(id));
          };
          const value = (await cache.getOrSet(keyOf(id), load)) as Partial<Sized> | undefined;
          return value?.id === id && value.text?.length === size.bytes;
        },
      });
      offset += result.operations;
      return result;
    },
  };
}

function caseOf(name: string, x: number, size: Partial<Size>): WorkloadCase {
  return {
    name,
    x,
    quick: x <= 100_000,
    prepare: (cache) => prepare(cache, name.replaceAll(' ', ''), { ...USUAL, ...size }),
  };
}

const COMMON = {
  layers: ['redis'],
  maxRounds: 5,
  score: {
    title: 'CPU us/call',
    better: 'lower',
    digits: 2,
    of: (round) => round.cpuMicros / round.operations,
  },
  figures: [],
  comparesWithFloor: true,
  answersFrom: 'redis',
  columns: ['p99', 'commands'],
} as const satisfies Partial<Workload>;

const number = (value: number): string => value.toLocaleString('en-US');

const growthKeys: Workload = {
  ...COMMON,
  id: 'growth-keys',
  title: 'Cost against keys in Redis',
  description: `getOrSet of keys that are in Redis; ${USUAL.callers} callers, ${USUAL.bytes} B`,
  contenders: ['tiercel', 'floor-send-command'],
  growth: { axis: 'keys' },
  cases: KEYS.map((keys) => caseOf(`${number(keys)} keys`, keys, { keys })),
};

const growthMemory: Workload = {
  ...COMMON,
  id: 'growth-memory',
  title: 'Cost against keys in memory',
  description: 'getOrSet of keys that are in memory, 1 caller, 100 B; the building of the key included',
  contenders: ['tiercel', 'floor-map'],
  layers: ['memory+redis', 'memory'],
  memoryEntries: 2_000_000,
  memoryBytes: 2 ** 30,
  answersFrom: 'memory',
  growth: { axis: 'keys' },
  cases: KEYS.map((keys) => caseOf(`${number(keys)} keys`, keys, { keys, callers: 1, bytes: 100 })),
};

const growthCallers: Workload = {
  ...COMMON,
  id: 'growth-callers',
  title: 'Cost against callers',
  description: `getOrSet of ${number(USUAL.keys)} keys that are in Redis, ${USUAL.bytes} B`,
  contenders: ['tiercel', 'floor-send-command'],
  growth: { axis: 'callers' },
  cases: CALLERS.map((callers) => caseOf(`${number(callers)} callers`, callers, { callers })),
};

const growthValues: Workload = {
  ...COMMON,
  id: 'growth-values',
  title: 'Cost against bytes a value',
  description: `getOrSet of keys that are in Redis, ${USUAL.callers} callers but no more than 8 MiB at once; a value is an object with one text`,
  contenders: ['tiercel', 'floor-send-command'],
  growth: { axis: 'bytes' },
  cases: BYTES.map((bytes) => caseOf(`${number(bytes)} B`, bytes, { bytes })),
};

const growthNodes: Workload = {
  ...COMMON,
  id: 'growth-nodes',
  title: 'Cost against primaries of a Cluster',
  description: `getOrSet of ${number(USUAL.keys)} keys that are in a Redis Cluster without replicas, ${USUAL.callers} callers, ${USUAL.bytes} B; all nodes and the contender share the cores of the machine, however many nodes there are`,
  contenders: ['tiercel-cluster', 'floor-ioredis-cluster'],
  columns: [...COMMON.columns, 'trips'],
  growth: { axis: 'primaries' },
  cases: PRIMARIES.map((primaries) => ({
    ...caseOf(`${primaries} ${primaries === 1 ? 'primary' : 'primaries'}`, primaries, {}),
    resource: redisCluster(primaries),
  })),
};

export const GROWTH: readonly Workload[] = [
  growthKeys,
  growthMemory,
  growthCallers,
  growthValues,
  growthNodes,
];
