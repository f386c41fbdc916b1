import { randomBytes, randomUUID } from 'node:crypto';
import { chown, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { freePort } from './free-port.js';
import { spawnGuarded, type GuardedProcess } from './guard.js';
import { findPostgres } from './postgres/binaries.js';
import { findPlace, type Place } from './postgres/place.js';
import { identity, serverUser, type SystemUser } from './postgres/user.js';

/** A running server. */
export interface PostgresServer {
  /** Connection string of the superuser, loopback TCP. */
  readonly url: string;
  /** Process id of the server itself. */
  readonly pid: number;
  /** Shuts down in order; the data stays. Safe to call twice. */
  stop(): Promise<void>;
}

export interface PostgresOptions {
  /** Names the data folder, which is kept: the next start with this name finds the data again. */
  readonly name: string;
  /** Server settings beside those that keep it private, such as `{ shared_buffers: '256MB' }`. */
  readonly settings?: Readonly<Record<string, string>>;
  /** How long a start may take, in ms; recovery after a crash is part of it. Default: 60,000. */
  readonly timeout?: number;
}

const superuser = 'postgres';

/*
 * When we are gone: a fast shutdown first, so that nothing needs recovery and no backend is left alone with a long
 * query, then whatever works. The guard kills the server after these words in any case.
 */
const orphanCommand = `
kill -INT "$server"
for wait in 1 2 3 4 5 6 7 8 9 10; do kill -0 "$server" || break; sleep 0.3; done
kill -QUIT "$server" && sleep 1
`;

/**
 * Starts a private Postgres: loopback only, a free port, no Unix socket, a random password. It is stopped by
 * `stop()`, and also when this process ends in any other way.
 *
 * @throws Error when the platform has no server, its folder is in use by a server of another process, or it is not
 * ready in time; the message has the end of the server's log.
 */
export async function startPostgres(options: PostgresOptions): Promise<PostgresServer> {
  const user = await serverUser();
  const place = await findPlace(options.name, await findPostgres(), user);
  const password = await initialise(place, user);
  const deadline = performance.now() + (options.timeout ?? 60_000);
  for (;;) {
    const started = await attempt(place, user, password, options.settings ?? {}, deadline);
    if (!('trouble' in started)) return started;
    if (performance.now() > deadline || !isPassing(started.trouble)) {
      throw new Error(
        `Postgres did not start in ${place.folder}.${advice(started.trouble)}\n${started.trouble}`,
      );
    }
    await delay(200);
  }
}

const folderInUse = 'lock file "postmaster.pid" already exists';

/** A taken port, or a server of a process just killed that is still shutting down. */
function isPassing(log: string): boolean {
  return log.includes('Address already in use') || log.includes(folderInUse);
}

function advice(log: string): string {
  return log.includes(folderInUse) ? ' Another process runs a server there: end it first.' : '';
}

function environment(): Record<string, string | undefined> {
  // None of ours: variables such as PGDATA would steer the server.
  return { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC' };
}

/**
 * Makes the data folder where there is none. It is made aside, with the password in it, and renamed when it is whole;
 * so a start that is broken off leaves none, and of two at the same time the second finds that of the first.
 *
 * @returns the superuser's password.
 */
async function initialise(place: Place, user: SystemUser | undefined): Promise<string> {
  const data = join(place.folder, 'data');
  const password = await readPassword(data);
  if (password !== undefined) return password;

  const work = join(place.folder, `new-${randomUUID()}`);
  const made = join(work, 'data');
  try {
    await mkdir(work);
    const passwordFile = join(work, 'password');
    await writeFile(passwordFile, randomBytes(24).toString('hex'), { mode: 0o600 });
    if (user !== undefined) {
      await Promise.all([work, passwordFile].map((path) => chown(path, user.uid, user.gid)));
    }
    await runInitdb(place, user, { work, made, passwordFile });
    await rename(passwordFile, join(made, passwordName));
    await rename(made, data).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
    });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  const kept = await readPassword(data);
  if (kept === undefined) throw new Error(`${data} exists, but was not made by this program. Remove it.`);
  return kept;
}

const passwordName = 'superuser-password';

async function readPassword(data: string): Promise<string | undefined> {
  return readFile(join(data, passwordName), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
    return undefined;
  });
}

async function runInitdb(
  place: Place,
  user: SystemUser | undefined,
  { work, made, passwordFile }: { work: string; made: string; passwordFile: string },
): Promise<void> {
  const log = join(work, 'log');
  const initdb = await spawnGuarded(
    join(place.programs, 'bin', 'initdb'),
    [
      `--pgdata=${made}`,
      `--username=${superuser}`,
      `--pwfile=${passwordFile}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      '--locale=C',
    ],
    { ...identity(user), cwd: work, env: environment(), log, folder: work },
  );
  const { code } = await initdb.exited;
  if (code === 0) return;
  const output = await readFile(log, 'utf8').catch(() => '');
  throw new Error(`initdb failed in ${place.folder}.\n${output.slice(-2000)}`);
}

async function attempt(
  place: Place,
  user: SystemUser | undefined,
  password: string,
  settings: Readonly<Record<string, string>>,
  deadline: number,
): Promise<PostgresServer | { trouble: string }> {
  const port = await freePort();
  const log = join(place.folder, 'server.log');
  await rm(log, { force: true });
  const all = {
    ...settings,
    port: String(port),
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
  };
  const server = await spawnGuarded(
    join(place.programs, 'bin', 'postgres'),
    [
      '-D',
      join(place.folder, 'data'),
      ...Object.entries(all).flatMap(([key, value]) => ['-c', `${key}=${value}`]),
    ],
    { ...identity(user), cwd: place.folder, env: environment(), log, orphanCommand },
  );
  const url = `postgres://${superuser}:${password}@127.0.0.1:${port}/postgres`;
  const exited = server.exited.then(() => true);
  for (let over = false; !over; over ||= performance.now() > deadline) {
    if (await answers(url)) return { url, pid: server.pid, stop: () => stop(server) };
    over = await Promise.race([exited, delay(30, false)]);
  }
  await stop(server);
  return { trouble: (await readFile(log, 'utf8').catch(() => '')).slice(-2000) };
}

async function answers(url: string): Promise<boolean> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 2000 });
  client.on('error', () => {});
  try {
    await client.connect();
    await client.query('SELECT 1');
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => {});
  }
}

/** A fast shutdown breaks off queries under way; one that does not end in 10 s is made to. */
async function stop(server: GuardedProcess): Promise<void> {
  for (const signal of ['SIGINT', 'SIGQUIT', 'SIGKILL'] as const) {
    if (!server.kill(signal)) break;
    const patience = new AbortController();
    const ended = await Promise.race([
      server.exited.then(() => true),
      delay(10_000, false, { signal: patience.signal }).catch(() => false),
    ]);
    patience.abort();
    if (ended) return;
  }
  await server.exited;
}
