import type { Command } from 'commander';
import type { ExitCode } from './exit-codes.js';
import type { Terminal } from './terminal.js';

/** Who runs commands: each adds itself, with its options and what it does. */
export interface CommandHost {
  readonly terminal: Terminal;
  /** @param parent - the command it is one of; left out, the program. @param usage - as in `inspect <key>`. */
  command(parent: Command | undefined, usage: string): Command;
  /** @param work - is given the options as values, and the arguments; what it throws is printed. */
  run<F>(
    command: Command,
    work: (flags: F, command: Command, given: readonly unknown[]) => Promise<ExitCode>,
  ): void;
}
