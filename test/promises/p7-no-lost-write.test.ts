import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createCache } from 'tiercel';
import { startPostgres, type PostgresServer } from '../../servers/postgres.js';
import { startRedis, type RedisServer } from '../support/redis.js';
import type { WriteOrder } from '../support/write-behind-child.js';
import { WRITTEN_TABLE, writtenTable } from '../support/written-table.js';

const ROUNDS = 50;
/** In this many of them Redis is killed too, at another moment. */
const REDIS_ROUNDS = 10;
/** Processes are started ahead: starting one takes longer than its life. */
const AHEAD = 2;
/** More writes than a caller makes in a round, so that numbers grow from round to round. */
const WRITES_A_ROUND = 1_000_000;

/** A process that waits to be told to write. */
class Writer {
  readonly #process: ChildProcess;
  readonly #ready: Promise<unknown>;
  readonly acknowledged: Array<{ readonly id: number; readonly n: number }> = [];
  refused = 0;

  constructor(redisUrl: string, postgresUrl: string) {
    this.#process = fork(
      fileURLToPath(new URL('../support/write-behind-child.ts', import.meta.url)),
      [redisUrl, postgresUrl],
      { execArgv: ['--conditions=@tiercel/source', '--import', 'tsx'] },
    );
    this.#ready = once(this.#process, 'message');
    this.#process.on(
      'message',
      (message: { id: number; n: number } | { refused: number } | { ready: true }) => {
        if ('id' in message) this.acknowledged.push(message);
        else if ('refused' in message) this.refused++;
      },
    );
  }

  /** Resolves when the first write is acknowledged. */
  async begin(order: WriteOrder): Promise<void> {
    await this.#ready;
    this.#process.send(order);
    await once(this.#process, 'message');
  }

  /** SIGKILL; resolves when all it has said was heard. */
  async kill(): Promise<void> {
    const gone = once(this.#process, 'close');
    this.#process.kill('SIGKILL');
    await gone;
  }
}

describe('P7 no lost write', () => {
  let redis: RedisServer;
  let postgres: PostgresServer;
  let pool: pg.Pool;

  beforeAll(async () => {
    [redis, postgres] = await Promise.all([
      startRedis({ config: { appendonly: 'yes', appendfsync: 'everysec' } }),
      startPostgres({ name: 'test-written' }),
    ]);
    pool = new pg.Pool({ connectionString: postgres.url, max: 4 });
    pool.on('error', () => undefined);
    await pool.query(WRITTEN_TABLE);
  });
  afterAll(async () => {
    await pool.end();
    await Promise.all([redis.stop(), postgres.stop()]);
  });

  it(`every acknowledged write reaches the database, in order for its id, though its process is killed ${ROUNDS} times`, async () => {
    const newest = new Map<number, number>();
    let acknowledged = 0;
    let refused = 0;
    const ahead = Array.from({ length: AHEAD }, () => new Writer(redis.url, postgres.url));
    for (let round = 0; round < ROUNDS; round++) {
      const writer = ahead.shift() as Writer;
      if (round + AHEAD < ROUNDS) ahead.push(new Writer(redis.url, postgres.url));
      const killsRedis = round % (ROUNDS / REDIS_ROUNDS) === 0;
      // What Redis itself may lose when it is killed depends on this.
      await redis.cli('CONFIG', 'SET', 'appendfsync', killsRedis ? 'always' : 'everysec');
      await writer.begin({ round, from: round * WRITES_A_ROUND });
      await pause(Math.random() * 120);
      if (killsRedis) {
        await redis.kill();
        await redis.restart();
        await pause(Math.random() * 120);
      }
      await writer.kill();
      acknowledged += writer.acknowledged.length;
      refused += writer.refused;
      for (const { id, n } of writer.acknowledged) newest.set(id, Math.max(n, newest.get(id) ?? -1));
    }

    const cache = createCache({ redis: { url: redis.url, commandTimeout: '5s' }, namespace: 'p7' });
    const table = cache.resource('written', writtenTable(pool));
    await cache.ready();
    const left = await table.flush('30s');
    const { dead } = await table.backlog();
    const read = new Map<number, number>();
    for (const id of newest.keys()) read.set(id, await table.get(id));
    await cache.close();

    const rows = await pool.query<{ id: number; n: string }>('SELECT id, n FROM written');
    const stored = new Map(rows.rows.map(({ id, n }) => [id, Number(n)]));
    const log = await pool.query<{ id: number; n: string; sequence: string }>(
      'SELECT id, n, sequence FROM written_log ORDER BY place',
    );
    // A later write of the same id is as good as the write itself: it is what coalescing means.
    const lost = [...newest].filter(([id, n]) => (stored.get(id) ?? -1) < n);
    const last = new Map<number, { n: number; sequence: number }>();
    let disordered = 0;
    for (const row of log.rows) {
      const [n, sequence] = [Number(row.n), Number(row.sequence)];
      const before = last.get(row.id);
      // The same write twice is no disorder: at least once.
      if (before && (sequence < before.sequence || n < before.n)) disordered++;
      last.set(row.id, { n, sequence });
    }
    console.log(
      `P7: killed ${ROUNDS} times, Redis ${REDIS_ROUNDS} times: ${acknowledged + refused} written, ${acknowledged} acknowledged, ` +
        `${log.rows.length} applied (the others were replaced by later ones), ${lost.length} lost, ${disordered} out of order`,
    );
    expect(acknowledged).toBeGreaterThan(ROUNDS * 10);
    expect({ lost, disordered, left, dead }).toEqual({ lost: [], disordered: 0, left: 0, dead: 0 });
    for (const [id, value] of read) expect(value).toBe(stored.get(id));
  }, 180_000);
});
