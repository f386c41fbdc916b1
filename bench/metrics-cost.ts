/**
 * What being watched costs: the same sources with and without the counting, in one process, in turns. See
 * docs/guides/metrics.md.
 *
 *     node --conditions=@tiercel/source --import tsx bench/metrics-cost.ts
 *
 * For the hit in memory, a copy of the sources is made with further methods beside `MultiLayerCache.peek`, from which the counting,
 * the look for listeners, or both are cut out; if these are not found where they were, this fails. For the hit in Redis the functions that
 * count are replaced by empty ones, and what they take by themselves is set against the CPU time of a hit, since a difference
 * below 1 % is less than what such a measurement can tell. Everything is CPU time, in many short turns, since other work of the
 * machine would show in few long ones. Ratios are taken round by round; the median is shown.
 */
import { execFile } from 'node:child_process';
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createHistogram } from 'node:perf_hooks';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { Histogram as PromHistogram, Registry } from 'prom-client';
import { startRedis } from '../servers/redis.js';
import * as asItIs from '../src/index.js';
import { Histogram } from '../src/metrics/histogram.js';
import { CacheMetrics } from '../src/metrics/cache-metrics.js';

type Tiercel = typeof asItIs;
type Cache = asItIs.CacheManager;

/** Turns of the short measurements in one process; of the long ones a tenth. */
const ROUNDS = 150;
/** How a function is compiled, and where it comes to lie, differs from process to process by more than what is measured. */
const PROCESSES = Number(process.argv[2] ?? 7);
const KEYS = 10_000;
const READS = 20_000;
const REDIS_READS = 40_000;
const CALLERS = 512;

const source = fileURLToPath(new URL('../src/', import.meta.url));
const copies = fileURLToPath(new URL('../.cache/bench-metrics/', import.meta.url));

/** Lines of the way of a hit in memory, as they stand in the sources. */
const COUNTING = [
  '    const counts = this.#counts;\n    if (counts.beforeSample === 0) return this.#sampledPeek(key, memory);\n',
  '    counts.beforeSample--;\n',
];
const LISTENING = [
  `    if (this.#observers.areReadsWatched) this.#tell(key, memory.createdAt(slot), 'fresh');\n`,
];

/** The ways through `peek` and `getOrSet` that are compared, by what their methods' names end in. */
const WAYS = {
  'as it is': { suffix: '', cuts: [] },
  'without counting': { suffix: 'Uncounted', cuts: COUNTING },
  'without a look for listeners': { suffix: 'Unwatched', cuts: LISTENING },
  'without both': { suffix: 'Bare', cuts: [...COUNTING, ...LISTENING] },
} as const;

/** A method as it stands in a class, its closing brace included. */
function methodOf(text: string, name: string): string {
  const begin = text.search(new RegExp(`^  ${name}<T`, 'm'));
  const end = text.indexOf('\n  }\n', begin);
  if (begin === -1 || end === -1) throw new Error(`there is no method ${name} any more`);
  return text.slice(begin, end + 5);
}

async function edit(file: string, change: (text: string) => string): Promise<void> {
  await writeFile(file, change(await readFile(file, 'utf8')));
}

/**
 * The sources with further methods beside `peek` and `getOrSet`, from which lines are cut out. All work on the same cache, so
 * that they differ in nothing else: where entries happen to lie in memory makes more of a difference than what is measured.
 */
async function withFurtherWays(): Promise<Tiercel> {
  await mkdir(copies, { recursive: true });
  await cp(source, copies, { recursive: true });
  const ways = Object.values(WAYS).filter(({ suffix }) => suffix !== '');
  await edit(`${copies}layers/multi-layer-cache.ts`, (text) => {
    const peek = methodOf(text, 'peek');
    const further = ways.map(({ suffix, cuts }) => {
      let own = peek.replace('  peek<T', `  peek${suffix}<T`);
      for (const line of cuts) {
        if (!own.includes(line)) throw new Error(`not in peek any more, so nothing can be compared: ${line}`);
        own = own.replace(line, '');
      }
      return own;
    });
    return text.replace(peek, [peek, ...further].join('\n'));
  });
  await edit(`${copies}manager/cache-manager.ts`, (text) => {
    const methods = [methodOf(text, 'peek'), methodOf(text, 'getOrSet')];
    const further = Object.values(WAYS).flatMap(({ suffix }) => [
      ...(suffix === '' ? [] : methods).map((method) =>
        method
          .replace(/^ {2}(peek|getOrSet)<T/, (_, name: string) => `  ${name}${suffix}<T`)
          .replaceAll('.peek<T>', `.peek${suffix}<T>`),
      ),
      // A loop of its own for each way: one for all would be slow for all.
      `  peekAll${suffix}(keys: readonly string[]): number {
        let found = 0;
        for (const key of keys) if (this.peek${suffix}(key) !== undefined) found++;
        return found;
      }
      async getAll${suffix}(keys: readonly string[], load: () => never): Promise<number> {
        for (const key of keys) await this.getOrSet${suffix}(key, load);
        return keys.length;
      }
`,
    ]);
    return text.replace(methods[1] as string, [methods[1], ...further].join('\n'));
  });
  return (await import(pathToFileURL(`${copies}index.ts`).href)) as Tiercel;
}

/** Keys in the order in which they are read: few often, many seldom. */
const order = Array.from({ length: READS }, () => `user:${Math.floor(KEYS * Math.random() ** 3)}`);
const value = { id: 1, name: 'Ada Lovelace', email: 'ada@example.org', roles: ['admin', 'author'] };
const neverLoads = (): never => {
  throw new Error('every key is in the cache');
};

async function filled(tiercel: Tiercel): Promise<Cache> {
  const cache = tiercel.createCache({ ttl: '1h' });
  for (let i = 0; i < KEYS; i++) await cache.set(`user:${i}`, value);
  return cache;
}

/** Microseconds of CPU that this process has used. */
function used(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/** What the copy of the sources has besides. */
type Loops = Record<string, (keys: readonly string[], load: () => never) => number | Promise<number>>;

const median = (numbers: readonly number[]): number =>
  numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? NaN;

interface Rounds {
  readonly name: string;
  readonly measure: () => number | Promise<number>;
}

/** Each in turn, and every round in another order. Some rounds before that warm up. */
async function inTurns(rows: readonly Rounds[], rounds = ROUNDS): Promise<number[][]> {
  const all: number[][] = rows.map(() => []);
  const warming = Math.ceil(rounds / 5);
  for (let round = -warming; round < rounds; round++) {
    for (let step = 0; step < rows.length; step++) {
      const row = (step + round + warming) % rows.length;
      await new Promise(setImmediate);
      const measured = await (rows[row] as Rounds).measure();
      if (round >= 0) all[row]?.push(measured);
    }
  }
  return all;
}

/** By how much one row takes more than the last: round by round, and of that the median. */
function moreThanLast(all: readonly number[][], row: number): number {
  return median((all[row] ?? []).map((measured, round) => measured / (all.at(-1)?.[round] ?? NaN))) - 1;
}

function print(title: string, rows: readonly Rounds[], all: readonly number[][], unit: string): void {
  process.stdout.write(`\n${title}\n`);
  for (const [i, { name }] of rows.entries()) {
    const own = all[i] ?? [];
    const more = i === rows.length - 1 ? '' : `${(moreThanLast(all, i) * 100).toFixed(1).padStart(8)} %`;
    process.stdout.write(`  ${name.padEnd(52)}${median(own).toFixed(1).padStart(9)} ${unit}${more}\n`);
  }
}

/** In a process of its own: what each way takes, and how much more than without both, by titles. */
interface MemoryResult {
  readonly [title: string]: ReadonlyArray<{
    readonly name: string;
    readonly ns: number;
    readonly more: number;
  }>;
}

async function memoryHits(): Promise<MemoryResult> {
  const cache = await filled(await withFurtherWays());
  const loops = cache as unknown as Loops;
  const result: Record<string, MemoryResult[string]> = {};
  for (const [title, loop] of [
    ['peek', 'peekAll'],
    ['await getOrSet', 'getAll'],
  ] as const) {
    const rows = Object.entries(WAYS).map(([name, { suffix }]) => ({
      name,
      /** Nanoseconds a read. */
      async measure(): Promise<number> {
        const before = used();
        const found = await loops[loop + suffix]?.(order, neverLoads);
        const took = used() - before;
        if (found !== READS) throw new Error(`${found} of ${READS} keys were in memory`);
        return (took * 1e3) / READS;
      },
    }));
    const all = await inTurns(rows);
    result[title] = rows.map(({ name }, i) => ({
      name,
      ns: median(all[i] ?? []),
      more: moreThanLast(all, i),
    }));
  }
  await cache.close();
  return result;
}

async function memoryHitsInProcesses(): Promise<void> {
  const results: MemoryResult[] = [];
  for (let i = 0; i < PROCESSES; i++) {
    const args = [...process.execArgv, fileURLToPath(import.meta.url), 'child'];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    results.push(JSON.parse(stdout) as MemoryResult);
  }
  for (const [title, rows] of Object.entries(results[0] ?? {})) {
    process.stdout.write(
      `\nA hit in memory, ${title}; more than without both, median of ${PROCESSES} processes (least to most)\n`,
    );
    for (const [row, { name }] of rows.entries()) {
      const own = results.map((result) => result[title]?.[row] ?? { ns: NaN, more: NaN });
      const more = own.map((one) => one.more * 100).sort((a, b) => a - b);
      const range = `${median(more).toFixed(1).padStart(8)} % (${more[0]?.toFixed(1)} to ${more.at(-1)?.toFixed(1)})`;
      const ns = median(own.map((one) => one.ns)).toFixed(1);
      process.stdout.write(
        `  ${name.padEnd(52)}${ns.padStart(9)} ns${row === rows.length - 1 ? '' : range}\n`,
      );
    }
  }
}

/** Microseconds of CPU a read, callers that each wait for their answer. */
async function redisHits(cache: Cache): Promise<number> {
  const before = used();
  let next = 0;
  const caller = async (): Promise<void> => {
    while (next < REDIS_READS) await cache.getOrSet(order[next++ % READS] as string, neverLoads);
  };
  await Promise.all(Array.from({ length: CALLERS }, caller));
  return (used() - before) / REDIS_READS;
}

function nanosecondsOf(work: (i: number) => void, times = 2_000_000): number {
  const before = used();
  for (let i = 0; i < times; i++) work(i);
  return ((used() - before) * 1e3) / times;
}

async function redis(): Promise<void> {
  await using server = await startRedis();
  const open = async (tiercel: Tiercel): Promise<Cache> => {
    const cache = tiercel.createCache({
      redis: { url: server.url, commandTimeout: '10s' },
      memory: false,
      ttl: '1h',
    });
    await cache.ready();
    return cache;
  };
  const counted = await open(asItIs);
  const uncounted = await open(asItIs);
  const counts = uncounted.metrics.namespace('tiercel');
  Object.assign(counts, { readFromRedis: () => undefined });
  await counted.setMany(Array.from({ length: KEYS }, (_, i) => [`user:${i}`, value] as const));
  const rows = [
    { name: 'as it is', measure: () => redisHits(counted) },
    { name: 'without counting', measure: () => redisHits(uncounted) },
  ];
  const all = await inTurns(rows, Math.ceil(ROUNDS / 10));
  print(`A hit in Redis, ${CALLERS} callers: CPU`, rows, all, 'us');
  const own = new CacheMetrics().namespace('shop');
  const counting = [
    {
      name: 'what counting it takes by itself',
      measure: () => nanosecondsOf((i) => own.readFromRedis('hit', i & 1023, order[i % READS] as string)),
    },
  ];
  const [[...recorded] = []] = await inTurns(counting, 5);
  const share = median(recorded) / (median(all[0] ?? []) * 1000);
  process.stdout.write(
    `  ${counting[0]?.name.padEnd(52)}${median(recorded).toFixed(1).padStart(9)} ns${(share * 100).toFixed(2).padStart(8)} %\n`,
  );
  await counted.close();
  await uncounted.close();
}

async function recording(): Promise<void> {
  const ours = new Histogram();
  const hooks = createHistogram();
  const prom = new PromHistogram({ name: 'h', help: 'h', registers: [new Registry()] });
  const rows = [
    {
      name: 'prom-client, Histogram.observe',
      measure: () => nanosecondsOf((i) => prom.observe((i & 1023) / 1000), 200_000),
    },
    {
      name: 'node:perf_hooks, createHistogram().record',
      measure: () => nanosecondsOf((i) => hooks.record((i & 1023) + 1)),
    },
    { name: 'Histogram.record', measure: () => nanosecondsOf((i) => ours.record(i & 1023)) },
  ];
  print('One duration recorded', rows, await inTurns(rows, 5), 'ns');
}

if (process.argv[2] === 'child') {
  process.stdout.write(JSON.stringify(await memoryHits()));
} else {
  try {
    await memoryHitsInProcesses();
    await redis();
    await recording();
  } finally {
    await rm(copies, { recursive: true, force: true });
  }
}
