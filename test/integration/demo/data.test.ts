import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadData } from '../../../demo/data/load.js';
import { tables } from '../../../demo/data/schema.js';
import { sizeFor } from '../../../demo/data/size.js';
import { Database } from '../../../demo/database.js';
import { DatabaseService } from '../../../demo/social/database-service.js';
import type { ProgressReport } from '../../../demo/terminal/progress.js';
import { startPostgres, type PostgresServer } from '../../../servers/postgres.js';

const silent: ProgressReport = { start() {}, stage() {}, advance() {}, stop() {} };
const size = sizeFor(200);

async function query<Row extends object>(url: string, text: string): Promise<Row[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Row>(text)).rows;
  } finally {
    await client.end();
  }
}

/** Asks a server that is started for it and stopped after it. */
async function askAfresh(text: string): Promise<object[]> {
  const server = await startPostgres({ name: 'test-restart' });
  try {
    return await query(server.url, text);
  } finally {
    await server.stop();
  }
}

describe('the data of the demo', () => {
  let server: PostgresServer;

  beforeAll(async () => {
    server = await startPostgres({ name: 'test-data' });
    await ask('DROP SCHEMA public CASCADE; CREATE SCHEMA public');
  });

  afterAll(async () => {
    await server.stop();
  });

  const ask = <Row extends object>(text: string): Promise<Row[]> => query(server.url, text);

  it('is not taken for loaded when loading was broken off', async () => {
    const breaksOff = {
      ...silent,
      stage: (name: string) => {
        if (name === 'indexes of likes') throw new Error('broken off');
      },
    };
    await expect(loadData(server.url, size, breaksOff)).rejects.toThrow('broken off');
    expect(await ask(`SELECT FROM information_schema.tables WHERE table_schema = 'public'`)).toEqual([]);
    expect(await loadData(server.url, size, silent)).toBe(true);
  });

  it('is loaded once, and again when another size is asked for', async () => {
    await loadData(server.url, size, silent);
    expect(await loadData(server.url, size, silent)).toBe(false);
    expect(await loadData(server.url, sizeFor(150), silent)).toBe(true);
    expect(await loadData(server.url, size, silent)).toBe(true);
  });

  it('reports every row to the progress bar', async () => {
    let total = 0;
    let done = 0;
    await ask('DROP TABLE IF EXISTS demo_data');
    await loadData(server.url, size, {
      ...silent,
      start: (rows) => (total = rows),
      advance: (by) => (done += by),
    });
    expect(done).toBe(total);
    const counts = Object.keys(tables).map((name) => `SELECT COUNT(*)::int AS rows FROM ${name}`);
    const rows = await ask<{ rows: number }>(counts.join(' UNION ALL '));
    expect(rows.reduce((sum, table) => sum + table.rows, 0)).toBe(total);
  });

  it('gives the same profile by the slow query and by the tuned one, for every user', async () => {
    await loadData(server.url, size, silent);
    const database = new Database(server.url);
    try {
      const service = new DatabaseService(database);
      for (let id = 1; id <= size.users; id++) {
        expect(await service.profileTuned(id)).toEqual(await service.profile(id));
      }
      expect(await service.profile(size.users + 1)).toBeNull();
      expect(database.queries).toBe(2 * size.users + 1);
    } finally {
      await database.close();
    }
  });

  it('counts likes and comments of popular posts as they are', async () => {
    await loadData(server.url, size, silent);
    const database = new Database(server.url);
    try {
      const posts = await new DatabaseService(database).popularPosts(3);
      expect(posts).toHaveLength(3);
      for (const { id, likes, comments } of posts) {
        const [counted] = await ask(
          `SELECT (SELECT COUNT(*)::int FROM likes WHERE post_id = ${id}) AS likes,
                  (SELECT COUNT(*)::int FROM comments WHERE post_id = ${id}) AS comments`,
        );
        expect({ likes, comments }).toEqual(counted);
      }
      const likes = posts.map((post) => post.likes);
      expect(likes).toEqual([...likes].sort((a, b) => b - a));
    } finally {
      await database.close();
    }
  });
});

describe('startPostgres', () => {
  it('finds its data again at the next start', async () => {
    await askAfresh('DROP TABLE IF EXISTS kept; CREATE TABLE kept AS SELECT 42 AS value');
    expect(await askAfresh('SELECT value FROM kept')).toEqual([{ value: 42 }]);
  });

  it('refuses a folder in which another server runs, and says so', async () => {
    const first = await startPostgres({ name: 'test-restart' });
    try {
      await expect(startPostgres({ name: 'test-restart', timeout: 500 })).rejects.toThrow(
        'Another process runs a server there',
      );
    } finally {
      await first.stop();
    }
  });

  it('can be stopped twice', async () => {
    const server = await startPostgres({ name: 'test-restart' });
    await Promise.all([server.stop(), server.stop()]);
    await server.stop();
  });
});
