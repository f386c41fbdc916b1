import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { constants } from 'node:os';
import type { Readable } from 'node:stream';
import { deferred } from './deferred.js';

/** How a guarded process ended: its exit code, or the signal that ended it. */
export interface ProcessExit {
  readonly code: number | undefined;
  readonly signal: NodeJS.Signals | undefined;
}

export interface GuardOptions {
  /** The whole environment of the process. Default: that of this process. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  /** Run as this user and group; needs root. Whatever the process must write has to belong to them. */
  readonly uid?: number;
  readonly gid?: number;
  /** File that gets what the process prints, appended. Default: thrown away. */
  readonly log?: string;
  /** Folder to remove, with everything in it, if this process is gone before the server is. */
  readonly folder?: string;
  /** Shell text to run if this process is gone before the server is, for what a SIGKILL alone does not end. */
  readonly orphanCommand?: string;
}

export interface GuardedProcess {
  /** Of the process itself, not of its guard. */
  readonly pid: number;
  /** False once it is gone; then `exited` is about to resolve or has. */
  readonly running: boolean;
  /** Resolves, never rejects, when the process is gone. */
  readonly exited: Promise<ProcessExit>;
  /** Sends a signal. False if the process is gone already. */
  kill(signal: NodeJS.Signals): boolean;
}

/*
 * The shell holds the reading end of a pipe whose writing end only we have. However we end, also by SIGKILL, the kernel
 * closes our end, the `read` returns, and the process is killed; SIGKILL works on a stopped one too.
 *
 * - The process gets none of the guard's descriptors, or it would keep them open itself.
 * - The main shell is the parent and reaps, so `$server` cannot name another process while the watch is alive.
 * - The watch answers 0 only if it saw the pipe close: that is how the main shell knows that nobody else will tidy up.
 *   Once it saw that, it must not be ended by the main shell's `kill`, hence the trap.
 * - The guard's own standard error is closed because some shells print `Killed` there.
 */
const guardScript = `
folder=$1 last_words=$2
shift 2
exec 4<&0 5>&2 2>/dev/null
"$@" </dev/null 2>&5 3>&- 4<&- 5>&- &
server=$!
exec 5>&-
(
  while read -r line <&4; do :; done
  trap '' TERM
  eval "$last_words"
  kill -9 "$server"
  exit 0
) >/dev/null 3>&- &
watch=$!
exec 4<&- </dev/null
echo "$server" >&3
exec 3>&-
wait "$server"
code=$?
kill "$watch"
if wait "$watch" && [ -n "$folder" ]; then rm -rf -- "$folder"; fi
exit "$code"
`;

function nameOfSignal(number: number): NodeJS.Signals | undefined {
  for (const [name, value] of Object.entries(constants.signals)) {
    if (value === number) return name as NodeJS.Signals;
  }
  return undefined;
}

/** A shell reports a process that signal n ended as exit code 128 + n. */
function toExit(code: number | null, signal: NodeJS.Signals | null): ProcessExit {
  if (code === null) return { code: undefined, signal: signal ?? undefined };
  const inner = code > 128 ? nameOfSignal(code - 128) : undefined;
  return inner === undefined ? { code, signal: undefined } : { code: undefined, signal: inner };
}

/** Undefined if the guard ended without telling a pid. */
async function readPid(source: Readable): Promise<number | undefined> {
  let text = '';
  try {
    for await (const chunk of source) {
      text += String(chunk);
      if (text.includes('\n')) return Number.parseInt(text, 10);
    }
  } catch {
    // The pipe broke; why, the guard's own end tells.
  }
  return undefined;
}

/**
 * Starts a process that does not outlive this one, however this one ends. It runs in a session of its own, so a Ctrl-C in
 * the terminal reaches only us, and we stop it in order.
 *
 * A command that cannot be run still resolves: it `exited` with code 126 or 127 and the log has the reason.
 *
 * @throws Error if the shell that guards the process cannot be started, such as for a `cwd` that does not exist.
 */
export async function spawnGuarded(
  command: string,
  args: readonly string[],
  options: GuardOptions = {},
): Promise<GuardedProcess> {
  const log = options.log === undefined ? undefined : openSync(options.log, 'a');
  const guard = spawn(
    '/bin/sh',
    ['-c', guardScript, 'guard', options.folder ?? '', options.orphanCommand ?? '', command, ...args],
    {
      detached: true,
      stdio: ['pipe', log ?? 'ignore', log ?? 'ignore', 'pipe'],
      env: options.env ?? process.env,
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      ...(options.uid === undefined ? {} : { uid: options.uid }),
      ...(options.gid === undefined ? {} : { gid: options.gid }),
    },
  );
  if (log !== undefined) closeSync(log);

  let gone = false;
  const { promise: exited, resolve, reject } = deferred<ProcessExit>();
  guard.once('error', reject);
  guard.once('exit', (code, signal) => {
    gone = true;
    resolve(toExit(code, signal));
  });

  // Someone may look at `exited` late, or never if this throws.
  exited.catch(() => undefined);
  // The end of a short-lived process may be told before the pid that is still in the pipe.
  const pid = await readPid(guard.stdio[3] as Readable);
  if (pid === undefined) {
    const exit = await exited;
    throw new Error(`the guard of ${command} ended with ${exit.signal ?? exit.code} before it told a pid`);
  }
  return {
    pid,
    get running() {
      return !gone;
    },
    exited,
    kill(signal) {
      if (gone) return false;
      try {
        return process.kill(pid, signal);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
        throw error;
      }
    },
  };
}
