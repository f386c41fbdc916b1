import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Whom a program runs as. */
export interface SystemUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/**
 * Postgres refuses to run as root, so root has to step down to somebody. The account `postgres` is the
 * customary one; where there is none, `nobody` serves. No account is created: a demo must not change the
 * machine it runs on.
 *
 * @returns `undefined` when we are not root and may run the server as ourselves.
 */
export async function serverUser(): Promise<SystemUser | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  for (const name of ['postgres', 'nobody']) {
    const ids = await Promise.all([run('id', ['-u', name]), run('id', ['-g', name])]).catch(() => undefined);
    if (ids === undefined) continue;
    const [uid, gid] = ids.map((answer) => Number(answer.stdout));
    if (uid !== undefined && gid !== undefined && uid > 0) return { name, uid, gid };
  }
  throw new Error(
    'Postgres does not run as root, and this machine has neither a user `postgres` nor a user `nobody` ' +
      'to run it as. Start again as an ordinary user.',
  );
}

/** The identity part of spawn options; empty when the server runs as ourselves. */
export function identity(user: SystemUser | undefined): { uid?: number; gid?: number } {
  return user === undefined ? {} : { uid: user.uid, gid: user.gid };
}

/** Whether the server's user can enter a folder and read what is in it, told by trying. */
export async function canEnter(folder: string, user: SystemUser | undefined): Promise<boolean> {
  return run('/bin/sh', ['-c', 'cd "$1" && ls', 'sh', folder], { ...identity(user), cwd: '/' }).then(
    () => true,
    () => false,
  );
}
