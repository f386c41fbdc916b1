/**
 * Writing many entries, each way there is: see docs/decisions/0014-a-batch-sends-single-operations.md.
 *
 *     node --conditions=@tiercel/source --import tsx bench/imports.ts
 */
import { BatchCacheManager, CacheClient, createCache, type BatchOperation, type BatchTarget } from 'tiercel';
import { startRedis } from '../servers/redis.js';

const ENTRIES = 20_000;
const ROUNDS = 7;
/** One at a time is so slow that fewer say as much. */
const ALONE = 1_000;

type Row = readonly [key: string, value: object];
interface Target extends BatchTarget {
  setMany(entries: Iterable<Row>): Promise<void>;
}

const rows: readonly Row[] = Array.from({ length: ENTRIES }, (_, i) => [
  `user:${i}`,
  {
    id: i,
    name: `User number ${i}`,
    email: `user${i}@example.com`,
    roles: ['reader', 'writer'],
    about: 'x'.repeat(i % 250),
    score: i * 1.5,
  },
]);

function* operations(): Generator<BatchOperation> {
  for (const [key, value] of rows) yield { type: 'set', key, value };
}

async function byChunks(size: number, store: (chunk: readonly Row[]) => Promise<unknown>): Promise<number> {
  for (let start = 0; start < ENTRIES; start += size) await store(rows.slice(start, start + size));
  return ENTRIES;
}

const ways: ReadonlyArray<readonly [name: string, write: (target: Target) => Promise<number>]> = [
  [
    'await set, one by one',
    async (target) => {
      for (const [key, value] of rows.slice(0, ALONE)) await target.set(key, value);
      return ALONE;
    },
  ],
  [
    '100 set at once',
    (target) => byChunks(100, (chunk) => Promise.all(chunk.map(([key, value]) => target.set(key, value)))),
  ],
  ['setMany of 100', (target) => byChunks(100, (chunk) => target.setMany(chunk))],
  ['setMany of 1000', (target) => byChunks(1000, (chunk) => target.setMany(chunk))],
  [
    'batch.run',
    async (target) => {
      const batch = new BatchCacheManager(target);
      const { done } = await batch.run(operations());
      await batch.close();
      return done;
    },
  ],
];

const median = (numbers: readonly number[]): number =>
  numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? NaN;

await using server = await startRedis();
await using client = await CacheClient.connect({ url: server.url, commandTimeout: '10s' });
await using cache = createCache({ redis: { url: server.url, commandTimeout: '10s' } });
await cache.ready();

for (const [name, target] of [
  ['CacheClient', client],
  ['CacheManager', cache],
] as const) {
  const results = ways.map(() => ({ perSecond: [] as number[], cpu: [] as number[] }));
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [i, [, write]] of ways.entries()) {
      const began = performance.now();
      const cpu = process.cpuUsage();
      const written = await write(target);
      const used = process.cpuUsage(cpu);
      if (round === 0) continue; // the code is compiled meanwhile
      results[i]?.perSecond.push((1000 * written) / (performance.now() - began));
      results[i]?.cpu.push((used.user + used.system) / written);
    }
  }
  process.stdout.write(`\n${name}, medians of ${ROUNDS} rounds\n`);
  for (const [i, [way]] of ways.entries()) {
    const perSecond = Math.round(median(results[i]?.perSecond ?? [])).toLocaleString('en-US');
    const cpu = median(results[i]?.cpu ?? []).toFixed(1);
    process.stdout.write(`${way.padEnd(24)}${perSecond.padStart(10)} /s${cpu.padStart(8)} CPU us each\n`);
  }
}
