import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Contender, Layers } from '../contender.js';
import type { Environment } from '../report/environment.js';
import { installedVersion } from '../runner/installed-version.js';
import type { Outcome } from './outcome.js';

/** What one contender did. */
export interface ConformanceColumn {
  readonly contender: Contender;
  readonly outcomes: readonly Outcome[];
}

export interface ConformancePage {
  readonly environment: Environment;
  readonly tries: number;
  readonly columns: readonly ConformanceColumn[];
  readonly signs: Readonly<Record<Outcome['result'], string>>;
}

/** The best first: each is tried with what it has of both layers. */
export const LAYERS: readonly Layers[] = ['memory+redis', 'redis'];

const escape = (text: string): string => text.replaceAll('|', '\\|').replaceAll(/[<>]/g, '');
const row = (cells: readonly string[]): string => `| ${cells.map(escape).join(' | ')} |`;

function configured({ contender }: ConformanceColumn): string {
  const { packages, configured: ways } = contender;
  const versions = packages.map((name) => `${name} ${installedVersion(name)}`).join(', ');
  const layers = LAYERS.find((each) => ways[each] !== undefined);
  return row([contender.name, versions, (layers && ways[layers]) ?? '']);
}

/** Why each check that was not kept was not. */
function reasons({ contender, outcomes }: ConformanceColumn, signs: ConformancePage['signs']): string[] {
  const broken = outcomes.filter(({ result }) => result !== 'kept' && result !== 'not offered');
  if (broken.length === 0) return [];
  return [
    `### ${contender.name}`,
    '',
    ...broken.map(
      ({ promise, name, result, why = '' }) => `- ${promise} ${name}: ${signs[result]}: ${escape(why)}`,
    ),
    '',
  ];
}

function render(page: ConformancePage): string {
  const { environment, columns, signs, tries } = page;
  const checks = columns[0]?.outcomes ?? [];
  const kept = columns.map(({ outcomes }) => outcomes.filter(({ result }) => result === 'kept').length);
  const again = tries > 1 ? ` What is not kept was tried ${tries} times; once is enough for a yes.` : '';
  return [
    '# Who keeps what',
    '',
    'The checks of `tiercel/testing` ([the guide](guides/testing.md#conformance)) over other caches, each in a process and with a Redis of',
    'its own, as the bench sets them up. Tiercel wrote the checks, and they are its own promises: that another cache does not keep one',
    'mostly means that it never gave it. A `-` is what a cache does not claim to have. Anyone may run it again:',
    '',
    '```sh',
    environment.command,
    '```',
    '',
    `${environment.date.slice(0, 10)}, ${environment.cpu}, ${environment.cores} cores, Node.js ${environment.node}, Redis ${environment.redis}, load ${environment.loadBefore.toFixed(1)}.${again}`,
    '',
    row(['', ...columns.map(({ contender }) => contender.name)]),
    row(['---', ...columns.map(() => '---')]),
    ...checks.map(({ promise, name }, i) =>
      row([
        `${promise} ${name}`,
        ...columns.map(({ outcomes }) => signs[outcomes[i]?.result ?? 'not offered']),
      ]),
    ),
    row(['kept', ...kept.map(String)]),
    '',
    '`yes`: kept. `no`: something else happened, below. `HANG`: a check had not ended after a minute. `CRASH`: the process ended.',
    '',
    '## What was configured',
    '',
    row(['cache', 'versions', 'set-up']),
    row(['---', '---', '---']),
    ...columns.map(configured),
    '',
    '- Clients have their own defaults, which give Redis no deadline: whoever adds some (`commandTimeout` of ioredis) has calls that settle.',
    '- async-cache-dedupe and cachified have one layer, which is Redis here: no copy in memory can be old.',
    '- A change by redis-cli is asked of caches that say they hear of it, and of those that keep no copies in memory, which have nothing to hear of.',
    '- Tags: `tags` of Tiercel and bentocache; `tags: true` of cacheable, whose getOrSet takes none, so that it is its get and its',
    '  set with tags; `references` of async-cache-dedupe with `invalidation: { referencesTTL }`. Both are turned on for that check alone. The group loader of layered-loader puts a key in one group and is another class: it is not taken for tags.',
    "- Writing behind: of Tiercel a resource with `write: 'behind'`, a lease of 500 ms, 20 to 100 ms between tries, and a close that waits for",
    '  nothing, so that it is over within the eight seconds of the check.',
    '',
    '## What happened instead',
    '',
    ...columns.flatMap((column) => reasons(column, signs)),
  ].join('\n');
}

/** A page of Markdown of its own. */
export async function writePage(file: string, page: ConformancePage): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, render(page));
}
