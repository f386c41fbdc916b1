import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import {
  AuthenticationError,
  CacheError,
  ConnectionError,
  DeadlineError,
  InvalidKeyError,
  InvalidOptionError,
} from '../errors.js';
import { deadLettersCommand } from './commands/dead-letters.js';
import { doctorCommand } from './commands/doctor.js';
import { hotCommand } from './commands/hot.js';
import { inspectCommand } from './commands/inspect.js';
import { invalidateCommand } from './commands/invalidate.js';
import { keysCommand } from './commands/keys.js';
import { memoryCommand } from './commands/memory.js';
import { statsCommand } from './commands/stats.js';
import { topCommand } from './commands/top.js';
import { DashboardError } from './dashboard-frame.js';
import { EXIT, type ExitCode } from './exit-codes.js';
import { Failure } from './failure.js';
import { printable } from './output/format.js';
import type { CommandHost } from './command-host.js';
import type { Terminal } from './terminal.js';
import { UsageError } from './usage-error.js';

const COMMANDS = [
  statsCommand,
  topCommand,
  hotCommand,
  keysCommand,
  inspectCommand,
  memoryCommand,
  invalidateCommand,
  deadLettersCommand,
  doctorCommand,
];

/**
 * The program `tiercel`.
 *
 * @param args - what stands behind the name on the command line.
 * @returns the exit code. Never rejects but for a mistake of this package.
 */
export async function main(args: readonly string[], terminal: Terminal): Promise<ExitCode> {
  let exitCode: ExitCode = EXIT.ok;
  const program = new Command('tiercel')
    .description('Looks at, and operates, what Tiercel keeps in Redis or Valkey.')
    .version(versionOfPackage())
    .showHelpAfterError('(tiercel --help tells more)')
    .configureOutput({
      writeOut: (text) => void terminal.stdout.write(text),
      writeErr: (text) => void terminal.stderr.write(text),
    })
    .exitOverride();
  const host: CommandHost = {
    terminal,
    command(parent, usage) {
      // Made by their parent rather than added to it: only so they have its ways of printing and of ending.
      return (parent ?? program).command(usage);
    },
    run(command, work) {
      command.action(async (...given: unknown[]) => {
        exitCode = await work(command.opts() as Parameters<typeof work>[0], command, given.slice(0, -2));
      });
    },
  };
  for (const add of COMMANDS) add(host);
  program.addHelpText(
    'after',
    '\nExit codes: 0 done, 1 failed or a problem found, 2 wrong usage, 3 Redis cannot be reached.',
  );
  try {
    await program.parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (error) {
    return failed(error, terminal);
  }
}

function failed(error: unknown, { stderr }: Terminal): ExitCode {
  // Commander has printed it already; help and the version that were asked for come this way too.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  const told = error instanceof CacheError || error instanceof Failure || error instanceof DashboardError;
  if (!told && !(error instanceof UsageError)) throw error;
  stderr.write(`tiercel: ${printable(error.message)}\n`);
  if (error instanceof UsageError) return EXIT.usage;
  // Everything else that the library refuses came from the command line, too.
  if (error instanceof InvalidOptionError || error instanceof InvalidKeyError) return EXIT.usage;
  const away = [ConnectionError, AuthenticationError, DeadlineError, DashboardError];
  return away.some((type) => error instanceof type) ? EXIT.unreachable : EXIT.failed;
}

function versionOfPackage(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  return (manifest as { version: string }).version;
}
