import type { Pool } from 'pg';
import type { ResourceDefinition } from 'tiercel';

/** A table that is written behind, with a log of every write in the order in which the database had them. */
export const WRITTEN_TABLE = `
DROP TABLE IF EXISTS written, written_log;
CREATE TABLE written (id integer PRIMARY KEY, n bigint NOT NULL);
CREATE TABLE written_log (place bigserial PRIMARY KEY, id integer NOT NULL, n bigint NOT NULL, sequence bigint NOT NULL);
`;

const SAVE = `
WITH given AS (SELECT * FROM unnest($1::integer[], $2::bigint[], $3::bigint[]) AS t(id, n, sequence)),
logged AS (INSERT INTO written_log (id, n, sequence) SELECT id, n, sequence FROM given)
INSERT INTO written (id, n) SELECT id, n FROM given ON CONFLICT (id) DO UPDATE SET n = excluded.n
`;

/** How every process of the test declares it. The lease is short, so that a takeover is soon. */
export function writtenTable(pool: Pool): ResourceDefinition<number, number> {
  return {
    load: async (id) => {
      const { rows } = await pool.query<{ n: string }>('SELECT n FROM written WHERE id = $1', [id]);
      return Number(rows[0]?.n ?? -1);
    },
    saveMany: async (writes) => {
      await pool.query(SAVE, [
        writes.map(({ id }) => id),
        writes.map(({ value }) => value),
        writes.map(({ sequence }) => sequence),
      ]);
    },
    write: 'behind',
    behind: {
      lease: 400,
      pollInterval: 10,
      batchSize: 20,
      retryDelay: { min: 10, max: 200 },
      closeTimeout: 0,
    },
  };
}
