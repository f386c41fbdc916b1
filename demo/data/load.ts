import { Client } from 'pg';
import type { ProgressReport } from '../terminal/progress.js';
import {
  commentRows,
  followerRows,
  likeRows,
  postRows,
  profileRows,
  reviewRows,
  userRows,
  type Row,
} from './rows.js';
import { createTable, dataVersion, tables, type Table } from './schema.js';
import { dataSeed, type DataSize } from './size.js';

/** Rows sent in one statement: enough to hide the round trip, little enough for a smooth bar. */
const batchSize = 20_000;

const sources: readonly { table: Table; count: keyof DataSize; rows: (size: DataSize) => Iterable<Row> }[] = [
  { table: tables.users, count: 'users', rows: userRows },
  { table: tables.profiles, count: 'users', rows: profileRows },
  { table: tables.followers, count: 'followers', rows: followerRows },
  { table: tables.posts, count: 'posts', rows: postRows },
  { table: tables.likes, count: 'likes', rows: likeRows },
  { table: tables.comments, count: 'comments', rows: commentRows },
  { table: tables.reviews, count: 'reviews', rows: reviewRows },
];

function fingerprint(size: DataSize): string {
  return JSON.stringify({ dataVersion, dataSeed, ...size });
}

/**
 * Fills the database, unless it holds this very data already. All of it is one transaction, so an interrupted
 * load leaves nothing behind.
 *
 * @returns whether anything had to be loaded.
 */
export async function loadData(url: string, size: DataSize, progress: ProgressReport): Promise<boolean> {
  const client = new Client({ connectionString: url });
  // A lost connection rejects the statement under way, which says enough.
  client.on('error', () => {});
  await client.connect();
  try {
    if (await holds(client, size)) return false;
    await client.query('BEGIN');
    await client.query('DROP SCHEMA public CASCADE; CREATE SCHEMA public');
    await client.query(`SET LOCAL maintenance_work_mem = '256MB'`);
    await fill(client, size, progress);
    await client.query('CREATE TABLE demo_data (fingerprint text)');
    await client.query('INSERT INTO demo_data VALUES ($1)', [fingerprint(size)]);
    await client.query('COMMIT');
    // Reads of indexes alone need the visibility map, and plans need statistics.
    await client.query('VACUUM ANALYZE');
    await client.query('CHECKPOINT');
    return true;
  } finally {
    progress.stop();
    await client.end();
  }
}

async function holds(client: Client, size: DataSize): Promise<boolean> {
  const { rows } = await client.query<{ found: boolean }>(
    `SELECT to_regclass('demo_data') IS NOT NULL AS found`,
  );
  if (rows[0]?.found !== true) return false;
  const marker = await client.query<{ fingerprint: string }>('SELECT fingerprint FROM demo_data');
  return marker.rows[0]?.fingerprint === fingerprint(size);
}

async function fill(client: Client, size: DataSize, progress: ProgressReport): Promise<void> {
  progress.start(sources.reduce((sum, { count }) => sum + size[count], 0));
  // One statement is under way while the next batch is generated: the two processors share the work.
  let underWay: Promise<unknown> = Promise.resolve();
  for (const { table, rows } of sources) {
    progress.stage(table.name);
    await client.query(createTable(table));
    for (const batch of batches(rows(size), table)) {
      await underWay;
      underWay = client.query(batch.statement, batch.columns).then(() => progress.advance(batch.count));
      // Awaited above or below; until then a failure must not count as unhandled.
      underWay.catch(() => {});
    }
    await underWay;
  }
  for (const { table } of sources) {
    progress.stage(`indexes of ${table.name}`);
    for (const statement of table.keys) await client.query(statement);
  }
}

interface Batch {
  readonly statement: string;
  /** One array literal a column. */
  readonly columns: string[];
  readonly count: number;
}

function* batches(rows: Iterable<Row>, table: Table): Generator<Batch> {
  const statement = insertion(table);
  let columns = table.columns.map((): string[] => []);
  let count = 0;
  const finish = (): Batch => ({
    statement,
    columns: columns.map((values) => `{${values.join(',')}}`),
    count,
  });
  for (const row of rows) {
    for (const [index, value] of row.entries()) {
      columns[index]?.push(typeof value === 'number' ? String(value) : `"${value}"`);
    }
    if (++count === batchSize) {
      yield finish();
      columns = table.columns.map(() => []);
      count = 0;
    }
  }
  if (count > 0) yield finish();
}

/** Points in time travel as ms since 1970, which Postgres turns into its own form. */
function insertion({ name, columns }: Table): string {
  const arrays = columns.map(({ type }, i) => `$${i + 1}::${type === 'timestamptz' ? 'bigint' : type}[]`);
  const values = columns.map(({ name: column, type }) =>
    type === 'timestamptz' ? `to_timestamp(${column} / 1000.0)` : column,
  );
  const names = columns.map((column) => column.name).join(', ');
  return `INSERT INTO ${name} (${names}) SELECT ${values.join(', ')} FROM unnest(${arrays.join(', ')}) AS row (${names})`;
}
