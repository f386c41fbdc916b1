import { createHash, randomUUID } from 'node:crypto';
import { chown, cp, lstat, mkdir, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { canEnter, type SystemUser } from './user.js';

const project = fileURLToPath(new URL('../..', import.meta.url));

/** Where one database lives, and where its programs are. */
export interface Place {
  /** Holds the data folder and the password; owned by the server's user. */
  readonly folder: string;
  /** The folder with the server's `bin`, `lib` and `share`. */
  readonly programs: string;
}

/**
 * Data stays in the project's `.cache/postgres/<name>`. A server that root started runs as another user, who
 * cannot enter a checkout under, say, `/root`; then data and a copy of the programs go to a folder in the
 * system's temporary folder, named after a hash of the project's path so that the next start finds it again.
 */
export async function findPlace(name: string, native: string, user: SystemUser | undefined): Promise<Place> {
  const inProject = join(project, '.cache', 'postgres');
  await mkdir(inProject, { recursive: true });
  const hash = createHash('sha256').update(project).digest('hex').slice(0, 12);
  const elsewhere = join(tmpdir(), `tiercel-postgres-${hash}`);

  const base = (await canEnter(inProject, user)) ? inProject : await claim(elsewhere, user);
  const programs = (await canEnter(join(native, 'bin'), user))
    ? native
    : await copyPrograms(native, await claim(elsewhere, user));

  const folder = join(base, name);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  if (user !== undefined) await chown(folder, user.uid, user.gid);
  return { folder, programs };
}

/** Anybody can make a folder in the temporary folder, so one that is not ours is refused, not used. */
async function claim(folder: string, user: SystemUser | undefined): Promise<string> {
  await mkdir(folder, { mode: 0o755 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  const found = await lstat(folder);
  if (!found.isDirectory() || found.uid !== process.getuid?.() || (found.mode & 0o022) !== 0) {
    throw new Error(`${folder} exists and is not a folder that only this user may write. Remove it.`);
  }
  if (!(await canEnter(folder, user))) {
    throw new Error(
      `The user ${user?.name ?? 'who runs the server'} can enter neither the project nor ${folder}. ` +
        'Start again as an ordinary user, or set TMPDIR to a folder that everybody may enter.',
    );
  }
  return folder;
}

/** Copied aside and renamed, so that an interrupted copy is never taken for a whole one. */
async function copyPrograms(native: string, base: string): Promise<string> {
  const { mtimeMs } = await lstat(join(native, 'bin', 'postgres'));
  const target = join(base, `programs-${Math.trunc(mtimeMs)}`);
  if (await canEnter(target, undefined)) return target;
  const partial = `${target}.${randomUUID()}`;
  try {
    await cp(native, partial, { recursive: true, verbatimSymlinks: true });
    await rename(partial, target).catch((error: NodeJS.ErrnoException) => {
      // Another start was faster; its copy is as good.
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
    });
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
  return target;
}
