import { execFile } from 'node:child_process';
import { PassThrough } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { main } from '../../src/cli/main.js';

/** What came of one call of the program. */
interface CliRun {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

type Env = Readonly<Record<string, string>>;
type Run = (args: readonly string[], env?: Env) => Promise<CliRun>;

const bin = fileURLToPath(new URL('../../src/cli/bin.ts', import.meta.url));
const flags = ['--conditions=@tiercel/source', '--import', 'tsx'];

/** Runs `tiercel` in a process of its own, without a terminal. @param env - beside PATH; nothing else is handed on. */
export const runCli: Run = (args, env = {}) =>
  new Promise((resolve) => {
    const options = { env: { PATH: process.env['PATH'] ?? '', ...env }, timeout: 60_000 };
    execFile(process.execPath, [...flags, bin, ...args], options, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : Number.NaN;
      resolve({ code, stdout, stderr });
    });
  });

/** Runs it in this process: sooner done, for what a process of its own would not show better. */
export const runHere: Run = async (args) => {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const texts = Promise.all([textOf(stdout), textOf(stderr)]);
  const code = await main(args, { stdin: new PassThrough(), stdout, stderr, env: {} });
  stdout.end();
  stderr.end();
  const [out, err] = await texts;
  return { code, stdout: out, stderr: err };
};

/** What it printed with `--json`, which must be JSON. @throws Error for another exit code. */
export async function jsonOf<T>(run: Run, args: readonly string[], code = 0, env: Env = {}): Promise<T> {
  const done = await run([...args, '--json'], env);
  if (done.code === code) return JSON.parse(done.stdout) as T;
  throw new Error(`tiercel ${args.join(' ')} ended with ${done.code}: ${done.stdout}${done.stderr}`);
}

export function jsonOfCli<T>(args: readonly string[], code?: number, env?: Env): Promise<T> {
  return jsonOf(runCli, args, code, env);
}

async function textOf(stream: PassThrough): Promise<string> {
  let text = '';
  for await (const chunk of stream) text += String(chunk);
  return text;
}
