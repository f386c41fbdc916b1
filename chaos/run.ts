import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { FaultProxy, seededRandom } from 'tiercel/testing';
import { startPostgres } from '../servers/postgres.js';
import { check, type Verdict } from './check/check.js';
import { deploy } from './deploy.js';
import type { Topology } from './deployment.js';
import { chooseFaults } from './faults.js';
import { Fleet } from './fleet.js';
import {
  KINDS,
  machineNow,
  OUTSIDE,
  type Bounds,
  type Fault,
  type FaultName,
  type History,
  type Span,
} from './history.js';
import { inflict } from './inflict.js';
import { Outsider } from './outsider.js';
import { readLog } from './read-log.js';
import { planFaults } from './schedule.js';
import { watchStalls } from './watch-stalls.js';
import { TABLES } from './worker/database.js';
import type { WorkerOrder } from './worker/order.js';

export interface ChaosOptions {
  /** Of the time in which faults happen. */
  readonly seconds: number;
  readonly seed: number;
  readonly topology: Topology;
  /** Which may happen. Default: all that can. */
  readonly faults?: readonly FaultName[];
  /** Names the folder of Postgres, which one run can use at a time. */
  readonly database: string;
  readonly progress: (line: string) => void;
}

export interface ChaosReport extends Verdict {
  readonly history: History;
  readonly bounds: Bounds;
}

const WORKERS = 4;
const THINGS = 9;
const CALLERS = 6;
/** Some have room for all, some for hardly anything. */
const ROOM = [16_000_000, 4_000, 16_000_000, 1_500] as const;
/** Milliseconds by which the clocks of processes are wrong. */
const SKEW = [0, 7000, -7000, 600] as const;
/** Left alone until the run ends, so that all that is kept for later has its time. */
const CALM = 6000;

const BOUNDS: Bounds = {
  hop: 400, // nominally a millisecond; a machine that runs other things takes its time
  maxStaleWhenDisconnected: 1200,
  ttl: 4000,
  aheadTtl: 700,
  lease: 1000,
  commandTimeout: 250,
  margin: 700,
};

/** A fleet of processes under faults, and what came of it. @throws Error for a fault that the topology does not have. */
export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const { seed, seconds, topology, progress } = options;
  const names = chooseFaults(topology, options.faults);
  const random = seededRandom(seed);
  const folder = await mkdtemp(join(tmpdir(), 'tiercel-chaos-'));
  const closers: Array<() => unknown> = [() => rm(folder, { recursive: true, force: true })];
  try {
    const postgres = await startPostgres({ name: options.database });
    closers.push(() => postgres.stop());
    const deployment = await deploy(topology, WORKERS, seed);
    closers.push(() => deployment[Symbol.asyncDispose]());
    const pool = new pg.Pool({ connectionString: postgres.url, max: 4 });
    pool.on('error', () => undefined);
    closers.push(() => pool.end());
    const start = await fillTables(pool);

    const databases = await proxiesOf(postgres.url, seed);
    closers.push(() => Promise.all(databases.map((proxy) => proxy.close())));
    const orders = Array.from({ length: WORKERS }, (_, worker): WorkerOrder => ({
      worker,
      life: 0,
      redis: deployment.optionsOf(worker),
      postgresUrl: through(postgres.url, databases[worker]),
      log: join(folder, `${worker}.log`),
      seed: seed + worker,
      workers: WORKERS,
      things: THINGS,
      callers: CALLERS,
      maxBytes: ROOM[worker % ROOM.length] ?? 0,
      ttl: BOUNDS.ttl,
      aheadTtl: BOUNDS.aheadTtl,
      clockSkew: SKEW[worker % SKEW.length] ?? 0,
      lease: BOUNDS.lease,
      maxStaleWhenDisconnected: BOUNDS.maxStaleWhenDisconnected,
    }));
    const fleet = new Fleet(orders);
    closers.push(() => fleet.stop());
    await fleet.start();
    const outsider = new Outsider(pool, deployment, THINGS, random);
    closers.push(() => outsider.stop());

    const stalls: Span[] = [];
    closers.push(watchStalls((stall) => stalls.push(stall)));
    const faults: Fault[] = [];
    const began = machineNow();
    const planned = planFaults(
      seededRandom(seed + 1),
      seconds * 1000,
      WORKERS,
      deployment.servers.length,
      names,
    );
    // A fault that takes longer than planned puts off those behind it, so that there is calm between them all the same.
    let late = 0;
    for (const plan of planned) {
      await pause(Math.max(0, began + plan.at + late - machineNow()));
      await deployment.untilWell();
      if (machineNow() > began + seconds * 1000) break;
      late = Math.max(late, machineNow() - began - plan.at);
      progress(
        `${((machineNow() - began) / 1000).toFixed(1)} s  ${plan.name} ${plan.lasts.toFixed(0)} ms, worker ${plan.worker}`,
      );
      faults.push(await inflict(plan, deployment, fleet, databases));
      late = Math.max(late, machineNow() - began - plan.at - plan.lasts);
    }
    await pause(CALM);
    const end = machineNow();
    await outsider.stop();
    await fleet.tell('settle');
    await fleet.tell('sweep');
    await fleet.tell('end');

    const logs = await Promise.all(orders.map(({ log, worker }) => readLog(log, worker, fleet.deaths)));
    const writes = [...outsider.writes, ...logs.flatMap((log) => log.writes)];
    const known = await readTruth(pool, start);
    const behind = writes.filter(({ key }) => key.startsWith('behind:')).sort((a, b) => a.begin - b.begin);
    for (const { key, token } of behind) known.order.get(key)?.push(token);
    const history: History = {
      writes,
      reads: logs.flatMap((log) => log.reads),
      loads: logs.flatMap((log) => log.loads),
      faults,
      stalls: new Map([
        [OUTSIDE, stalls] as const,
        ...logs.map((log, worker) => [worker, log.stalls] as const),
      ]),
      unready: new Map(logs.map((log, worker) => [worker, log.unready])),
      refused: new Map(logs.map((log, worker) => [worker, log.refused])),
      failed: new Map(logs.map((log, worker) => [worker, log.failed])),
      served: new Map(logs.map((log, worker) => [worker, log.served])),
      deaths: fleet.deaths,
      order: known.order,
      applied: appliedAt(known, new Map(logs.flatMap((log) => [...log.applied]))),
      failsOver: deployment.failsOver,
      end,
    };
    return { ...check(history, BOUNDS), history, bounds: BOUNDS };
  } finally {
    for (const close of closers.toReversed()) await close();
  }
}

/** Each worker's way to the database. */
function proxiesOf(url: string, seed: number): Promise<FaultProxy[]> {
  const port = Number(new URL(url).port);
  return Promise.all(
    Array.from({ length: WORKERS }, (_, worker) => FaultProxy.to({ port, seed: seed + 5000 + worker })),
  );
}

function through(url: string, proxy: FaultProxy | undefined): string {
  const address = new URL(url);
  address.port = String(proxy?.port ?? address.port);
  return String(address);
}

async function fillTables(pool: pg.Pool): Promise<Map<string, string[]>> {
  await pool.query(TABLES);
  const order = new Map<string, string[]>();
  for (const kind of KINDS) {
    for (let id = 0; id < THINGS; id++) {
      const token = `start.${kind}.${id}`;
      await pool.query('INSERT INTO chaos_rows VALUES ($1, $2, $3, 0)', [kind, id, token]);
      order.set(`${kind}:${id}`, [token]);
    }
  }
  return order;
}

interface Truth {
  readonly order: Map<string, string[]>;
  readonly behind: ReadonlySet<string>;
}

/** What the database knows at the end. */
async function readTruth(pool: pg.Pool, start: Map<string, string[]>): Promise<Truth> {
  const versions = await pool.query<{ kind: string; id: number; token: string }>(
    'SELECT kind, id, token FROM chaos_versions ORDER BY kind, id, version',
  );
  for (const { kind, id, token } of versions.rows) start.get(`${kind}:${id}`)?.push(token);
  const behind = await pool.query<{ token: string }>('SELECT token FROM chaos_behind');
  return { order: start, behind: new Set(behind.rows.map(({ token }) => token)) };
}

/** One that was replaced before its turn is in the database as soon as a later one of its key. */
function appliedAt({ order, behind }: Truth, told: ReadonlyMap<string, number>): Map<string, number> {
  const applied = new Map<string, number>();
  for (const tokens of order.values()) {
    let earliest: number | undefined;
    for (const token of tokens.toReversed()) {
      if (behind.has(token)) earliest = Math.min(earliest ?? Infinity, told.get(token) ?? Infinity);
      if (earliest !== undefined) applied.set(token, earliest);
    }
  }
  return applied;
}
