import { styleText } from 'node:util';
import { Option } from 'commander';
import type { CommandHost } from '../command-host.js';
import { ALL_CHECKS } from '../doctor/all-checks.js';
import { examine, type Diagnosis } from '../doctor/examine.js';
import type { Finding } from '../doctor/finding.js';
import { gatherFacts } from '../doctor/gather.js';
import { EXIT } from '../exit-codes.js';
import { addConnectionOptions, redisOptions, type ConnectionFlags } from '../options/connection.js';
import { addJsonOption, addScanOptions, type ScanFlags } from '../options/scanning.js';
import { collected } from '../options/values.js';
import { countOf, printable } from '../output/format.js';
import { print } from '../output/print.js';
import { progressOn } from '../output/progress.js';
import { hasColours } from '../terminal.js';
import { UsageError } from '../usage-error.js';

interface DoctorFlags extends ConnectionFlags, ScanFlags {
  readonly writeBehind?: boolean;
  readonly skip?: readonly string[];
  readonly strict?: boolean;
  readonly json?: boolean;
}

/** `tiercel doctor`: whether a Redis is set up as a cache in production wants it. */
export function doctorCommand(host: CommandHost): void {
  const command = host
    .command(undefined, 'doctor')
    .description(
      'checks a live Redis, Sentinel or Cluster, and says what is wrong, what it means, and what to do',
    );
  addJsonOption(addScanOptions(addConnectionOptions(command), 20_000))
    .addOption(
      new Option('--write-behind', 'there are queues of writes to the database, also if none are seen'),
    )
    .addOption(
      new Option('--skip <check>', 'leave this check out; may be given several times').argParser(collected),
    )
    .addOption(new Option('--strict', 'warnings fail, too'));
  host.run<DoctorFlags>(command, async (flags) => {
    const skipped = checkedSkips(flags.skip ?? []);
    const redis = redisOptions(flags, command);
    const progress = await progressOn(host.terminal, 'keys');
    const { maxKeys, time, writeBehind = false } = flags;
    const facts = await gatherFacts({ redis, maxKeys, time, writeBehind, progress }).finally(() =>
      progress.end(),
    );
    const diagnosis = examine(facts, skipped);
    print(host.terminal, flags.json ?? false, diagnosis, () =>
      diagnosisText(diagnosis, hasColours(host.terminal)),
    );
    const isBad = diagnosis.level === 'problem' || (flags.strict === true && diagnosis.level === 'warning');
    return isBad ? EXIT.failed : EXIT.ok;
  });
}

function checkedSkips(ids: readonly string[]): ReadonlySet<string> {
  const known = ALL_CHECKS.map(({ id }) => id);
  for (const id of ids) {
    if (!known.includes(id))
      throw new UsageError(`--skip: there is no check '${id}'; there are ${known.join(', ')}`);
  }
  return new Set(ids);
}

const LONGEST_LEVEL = 'warning'.length;
const COLOURS = { ok: 'green', warning: 'yellow', problem: 'red', unknown: 'cyan' } as const;

function diagnosisText({ findings, counts }: Diagnosis, colours: boolean): string {
  const widest = Math.max(...findings.map(({ id }) => id.length), 0);
  const indent = ' '.repeat(LONGEST_LEVEL + widest + 4);
  const lines = findings.flatMap((finding, i) => {
    const first = findingText(finding, widest, colours);
    // Of several servers with the same trouble, what it means and what to do is said once, behind the last.
    const next = findings[i + 1];
    const goesOn = next?.id === finding.id && next.means === finding.means && next.todo === finding.todo;
    const { means, todo } = finding;
    const more = [means, todo === undefined ? undefined : `-> ${todo}`].filter((line) => line !== undefined);
    return [first, ...(goesOn ? [] : more.map((line) => indent + printable(line)))];
  });
  const { problem, warning, unknown, ok } = counts;
  const parts = [countOf(problem, 'problem'), countOf(warning, 'warning'), `${unknown} unknown`, `${ok} ok`];
  return `${lines.join('\n')}\n\n${parts.join(', ')}`;
}

function findingText({ id, level, server, found }: Finding, widest: number, colours: boolean): string {
  const label = level.padEnd(LONGEST_LEVEL);
  const where = server === undefined ? '' : `${server}: `;
  return `${colours ? styleText(COLOURS[level], label) : label}  ${id.padEnd(widest)}  ${printable(where + found)}`;
}
