import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { deferred } from '../deferred.js';

export interface RunResult {
  readonly code: number;
  /** Standard output and standard error, in the order they came. */
  readonly output: string;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Milliseconds until the command is killed. Default 120,000. */
  readonly timeout?: number;
}

/** What provisioning may ask of the machine it runs on. Tests put a pretended one in its place. */
export interface Machine {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Folder for what was downloaded; it need not exist yet. */
  readonly cache: string;
  /** Runs a command to its end. Undefined if there is no such command. */
  run(command: string, args: readonly string[], options?: RunOptions): Promise<RunResult | undefined>;
}

async function run(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<RunResult | undefined> {
  const { promise, resolve, reject } = deferred<RunResult | undefined>();
  const child = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: options.env ?? process.env,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  // Not the `timeout` of spawn: in Node 20 its timer stays, and keeps us alive, when there is no such command.
  const timer = setTimeout(() => child.kill('SIGKILL'), options.timeout ?? 120_000);
  let output = '';
  child.stdout.on('data', (chunk) => (output += String(chunk)));
  child.stderr.on('data', (chunk) => (output += String(chunk)));
  child.once('error', (error: NodeJS.ErrnoException) => {
    clearTimeout(timer);
    if (error.code === 'ENOENT' || error.code === 'EACCES') resolve(undefined);
    else reject(error);
  });
  child.once('close', (code, signal) => {
    clearTimeout(timer);
    resolve({ code: code ?? -1, output: signal === null ? output : `${output}\nended by ${signal}` });
  });
  return promise;
}

/** The machine we are on, with the project's own cache folder. */
export const thisMachine: Machine = {
  env: process.env,
  cache: fileURLToPath(new URL('../../.cache', import.meta.url)),
  run,
};
