/**
 * What write-behind saves the database and costs the caller, beside writing each row at once: the same writes, by the same callers, to
 * the same table of a real Postgres, in turns.
 *
 *     npm run bench:write-behind
 */
import pg from 'pg';
import { createCache, type Resource } from 'tiercel';
import { Zipf } from '../demo/zipf.js';
import { Random } from '../demo/random.js';
import { startPostgres } from '../servers/postgres.js';
import { startRedis } from '../servers/redis.js';

const CALLERS = 64;
const WRITES = 20_000;
const IDS = 5_000;
const ROUNDS = 5;

const TABLE =
  'DROP TABLE IF EXISTS counters; CREATE TABLE counters (id integer PRIMARY KEY, n bigint NOT NULL)';
const ROW = 'INSERT INTO counters VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET n = excluded.n';
const ROWS = `INSERT INTO counters SELECT * FROM unnest($1::integer[], $2::bigint[])
  ON CONFLICT (id) DO UPDATE SET n = excluded.n`;

interface Outcome {
  readonly acknowledgedPerSecond: number;
  /** Until the database has all of it. */
  readonly storedPerSecond: number;
  readonly statements: number;
  readonly p50: number;
  readonly p99: number;
}

const middle = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;

async function measured(
  write: (id: number, n: number) => Promise<unknown>,
  drain: () => Promise<unknown>,
  statements: () => number,
): Promise<Outcome> {
  const ids = new Zipf(IDS, 0.99);
  const random = new Random(7);
  const times: number[] = [];
  const before = statements();
  const began = performance.now();
  let next = 0;
  await Promise.all(
    Array.from({ length: CALLERS }, async () => {
      for (let n = next++; n < WRITES; n = next++) {
        const called = performance.now();
        await write(ids.draw(random), n);
        times.push(performance.now() - called);
      }
    }),
  );
  const acknowledged = performance.now() - began;
  await drain();
  const stored = performance.now() - began;
  times.sort((a, b) => a - b);
  return {
    acknowledgedPerSecond: (WRITES / acknowledged) * 1000,
    storedPerSecond: (WRITES / stored) * 1000,
    statements: statements() - before,
    p50: times[Math.floor(times.length * 0.5)] ?? 0,
    p99: times[Math.floor(times.length * 0.99)] ?? 0,
  };
}

await using redis = await startRedis({ config: { appendonly: 'yes', appendfsync: 'everysec' } });
const postgres = await startPostgres({ name: 'bench-write-behind' });
const pool = new pg.Pool({ connectionString: postgres.url, max: 10 });
pool.on('error', () => undefined); // of connections that end with the server
await pool.query(TABLE);
let statements = 0;
const query = async (text: string, values: unknown[]): Promise<void> => {
  statements++;
  await pool.query(text, values);
};
const cache = createCache({ redis: { url: redis.url, commandTimeout: '5s' }, namespace: 'bench' });
await cache.ready();
const behind: Resource<number, number> = cache.resource('counter', {
  load: () => 0,
  saveMany: (writes) => query(ROWS, [writes.map(({ id }) => id), writes.map(({ value }) => value)]),
  write: 'behind',
});

const ways = {
  'each row at once': () =>
    measured(
      (id, n) => query(ROW, [id, n]),
      async () => undefined,
      () => statements,
    ),
  'write-behind': () =>
    measured(
      (id, n) => behind.save(id, n),
      () => behind.flush('60s'),
      () => statements,
    ),
};
const outcomes = new Map<string, Outcome[]>(Object.keys(ways).map((name) => [name, []]));
for (let round = 0; round <= ROUNDS; round++) {
  for (const [name, way] of Object.entries(ways)) {
    const outcome = await way();
    if (round > 0) outcomes.get(name)?.push(outcome); // the first of each warms up
  }
}
await cache.close();
await pool.end();
await postgres.stop();

const round = (value: number, digits = 0): string =>
  value.toLocaleString('en-US', { maximumFractionDigits: digits, minimumFractionDigits: digits });
console.log(
  `${WRITES} writes of ${IDS} ids (Zipf 0.99), ${CALLERS} callers, ${ROUNDS} rounds in turns, medians; Redis with appendfsync everysec`,
);
console.table(
  Object.fromEntries(
    [...outcomes].map(([name, rounds]) => {
      const of = (field: keyof Outcome): number => middle(rounds.map((each) => each[field]));
      return [
        name,
        {
          'acknowledged/s': round(of('acknowledgedPerSecond')),
          'in the database/s': round(of('storedPerSecond')),
          statements: round(of('statements')),
          'p50 ms': round(of('p50'), 2),
          'p99 ms': round(of('p99'), 2),
        },
      ];
    }),
  ),
);
