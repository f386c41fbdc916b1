import type { Pool } from 'pg';
import type { Kind } from '../history.js';

/** The truth: a row a thing, and beside it every value it had, in the order in which it had them. */
export const TABLES = `
DROP TABLE IF EXISTS chaos_rows, chaos_versions, chaos_behind;
CREATE TABLE chaos_rows (kind text, id integer, token text NOT NULL, version bigint NOT NULL, PRIMARY KEY (kind, id));
CREATE TABLE chaos_versions (kind text, id integer, version bigint, token text NOT NULL);
CREATE TABLE chaos_behind (token text PRIMARY KEY);
`;

const WRITE = `
WITH changed AS (
  UPDATE chaos_rows SET token = $3, version = version + 1 WHERE kind = $1 AND id = $2 RETURNING kind, id, version, token
)
INSERT INTO chaos_versions (kind, id, version, token) SELECT kind, id, version, token FROM changed
`;
const WRITE_GROUP = `
WITH changed AS (
  UPDATE chaos_rows SET token = $3 || '/' || id, version = version + 1
  WHERE kind = $1 AND id = ANY($2) RETURNING kind, id, version, token
)
INSERT INTO chaos_versions (kind, id, version, token) SELECT kind, id, version, token FROM changed
`;
/** Lower numbers are refused, as for processes that may be stopped in the middle of a statement. */
const WRITE_BEHIND = `
WITH given AS (SELECT * FROM unnest($1::integer[], $2::text[], $3::bigint[]) AS t(id, token, version)),
logged AS (INSERT INTO chaos_behind (token) SELECT token FROM given ON CONFLICT DO NOTHING)
UPDATE chaos_rows SET token = given.token, version = given.version FROM given
WHERE chaos_rows.kind = 'behind' AND chaos_rows.id = given.id AND chaos_rows.version < given.version
`;

export async function readRow(pool: Pool, kind: Kind, id: number): Promise<string> {
  const { rows } = await pool.query<{ token: string }>(
    'SELECT token FROM chaos_rows WHERE kind = $1 AND id = $2',
    [kind, id],
  );
  return rows[0]?.token ?? 'no row';
}

export async function writeRow(pool: Pool, kind: Kind, id: number, token: string): Promise<void> {
  await pool.query(WRITE, [kind, id, token]);
}

/** All at once; the token of each is the given one with its id. */
export async function writeGroup(
  pool: Pool,
  kind: Kind,
  ids: readonly number[],
  token: string,
): Promise<void> {
  await pool.query(WRITE_GROUP, [kind, ids, token]);
}

export interface BehindValue {
  readonly token: string;
  /** Grows with every write of an id. */
  readonly version: number;
}

export async function writeBehind(
  pool: Pool,
  writes: ReadonlyArray<{ readonly id: number; readonly value: BehindValue }>,
): Promise<void> {
  await pool.query(WRITE_BEHIND, [
    writes.map(({ id }) => id),
    writes.map(({ value }) => value.token),
    writes.map(({ value }) => value.version),
  ]);
}
