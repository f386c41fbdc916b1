import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** What came of one call of the program. */
export interface CliRun {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const bin = fileURLToPath(new URL('../../src/cli/bin.ts', import.meta.url));
const flags = ['--conditions=@tiercel/source', '--import', 'tsx'];

/** Runs `tiercel` in a process of its own, without a terminal. @param env - beside PATH; nothing else is handed on. */
export function runCli(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<CliRun> {
  return new Promise((resolve) => {
    const options = { env: { PATH: process.env['PATH'] ?? '', ...env }, timeout: 60_000 };
    execFile(process.execPath, [...flags, bin, ...args], options, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : Number.NaN;
      resolve({ code, stdout, stderr });
    });
  });
}

/** The same with `--json`: what it printed, which must be JSON. @throws Error for another exit code. */
export async function jsonOfCli<T>(
  args: readonly string[],
  code = 0,
  env: Readonly<Record<string, string>> = {},
): Promise<T> {
  const run = await runCli([...args, '--json'], env);
  if (run.code !== code)
    throw new Error(`tiercel ${args.join(' ')} ended with ${run.code}: ${run.stdout}${run.stderr}`);
  return JSON.parse(run.stdout) as T;
}
