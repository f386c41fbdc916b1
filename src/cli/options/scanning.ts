import { Option, type Command } from 'commander';
import { duration, wholeNumber } from './values.js';

/** How far a look at keys may go. */
export interface ScanFlags {
  readonly maxKeys: number;
  readonly time: number;
}

/** Options of every command that goes over keys: no look is without an end. */
export function addScanOptions(command: Command, maxKeys: number): Command {
  return command
    .addOption(
      new Option('--max-keys <number>', 'keys to go over at most, on all servers together')
        .argParser(wholeNumber(1))
        .default(maxKeys),
    )
    .addOption(
      new Option('--time <duration>', 'how long to go over keys at most')
        .argParser(duration(1))
        .default(10_000, '10s'),
    );
}

/** Of commands that look at all keys unless they are told which. */
export function addFamilyOption(command: Command): Command {
  return command.addOption(
    new Option('--namespace <name>', 'only this namespace and those within it, as shop or shop:eu').env(
      'TIERCEL_NAMESPACE',
    ),
  );
}

/** Of commands that are about the keys of one namespace. */
export function addNamespaceOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--namespace <name>', "whose keys, as shop or shop:eu; '' for bare keys")
        .env('TIERCEL_NAMESPACE')
        .default('tiercel'),
    )
    .addOption(new Option('--plain', "the namespace has the format 'plain'"));
}

export function addJsonOption(command: Command): Command {
  return command.addOption(new Option('--json', 'print JSON: bytes, milliseconds, and shares from 0 to 1'));
}
