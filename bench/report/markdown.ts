import { mkdir, writeFile } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { barChart } from './bar-chart.js';
import { columnsOf, troubles } from './columns.js';
import { lineChart } from './line-chart.js';
import type { Report, ReportedWorkload } from './report.js';
import type { CaseSummary } from './summary.js';

const escape = (cell: string): string => cell.replaceAll('|', '\\|');

const row = (cells: readonly string[]): string => `| ${cells.map(escape).join(' | ')} |`;

function table({ workload }: ReportedWorkload, summary: CaseSummary): string[] {
  // An empty column of remarks says nothing.
  const shown = columnsOf(workload).filter(
    ({ title, cell }) => title !== '' || summary.contenders.some((each) => cell(each) !== ''),
  );
  const rows = summary.contenders.map((each) => {
    const cells = shown.map(({ cell }) => cell(each));
    return row(each.role === 'ours' ? cells.map((cell) => (cell === '' ? '' : `**${cell}**`)) : cells);
  });
  return [
    row(shown.map(({ title }) => title)),
    row(shown.map(({ isText }) => (isText ? '---' : '---:'))),
    ...rows,
  ];
}

function section(reported: ReportedWorkload, plot: string | undefined): string[] {
  const { workload, cases } = reported;
  const { id, title, description } = workload;
  const lines = [`## ${title}`, '', `\`npm run bench -- --only ${id}\`: ${description}.`, ''];
  if (plot !== undefined) lines.push(`![${title}](${plot})`, '');
  for (const summary of cases) {
    lines.push(`### ${title}: ${summary.name}`, '', ...table(reported, summary), '');
    lines.push(...troubles(summary).flatMap((line) => [`- ${line.replaceAll(/[<>]/g, '')}`]));
    if (lines.at(-1) !== '') lines.push('');
  }
  return lines;
}

/** Who took part, each once with every way in which it was set up. */
function contenders({ workloads }: Report): string[] {
  const seen = new Map<string, { name: string; versions: string; configured: Set<string> }>();
  for (const { id, name, role, versions, configured } of workloads.flatMap((each) => each.introductions)) {
    const installed = Object.entries(versions).map(([each, version]) => `${each} ${version}`);
    const known = seen.get(id) ?? {
      name: `${name} (${role})`,
      versions: installed.join(', '),
      configured: new Set(),
    };
    if (configured !== '') known.configured.add(configured);
    seen.set(id, known);
  }
  return [...seen.values()].map(
    ({ name, versions, configured }) =>
      `| ${escape(name)} | ${versions} | ${[...configured].map((each) => escape(each)).join('<br>')} |`,
  );
}

function page(report: Report, plots: ReadonlyMap<string, string>): string {
  const { environment: on, rounds, seconds, tookSeconds, loadAfter, workloads } = report;
  return [
    '# Benchmarks',
    '',
    'How it measures, what is fair about it and how to read it: [bench/README.md](../bench/README.md). Gaps under 20 % are ties.',
    'Ratios are taken round by round, and 2.00x is always twice as good. `tiercel vs it`: how many times as good Tiercel is.',
    '_longer_: not seen to end as long as it was watched. Names in brackets are what there is without a cache library.',
    '',
    '| | |',
    '| --- | --- |',
    `| made by | \`${on.command}\` |`,
    `| on | ${on.date} |`,
    `| machine | ${on.cpu}, ${on.cores} cores, ${on.memoryGiB} GiB, ${on.os} |`,
    `| versions | node ${on.node}, Redis ${on.redis} |`,
    `| rounds | ${rounds} of ${seconds} s at most, contenders in turns |`,
    `| load of the machine | ${on.loadBefore.toFixed(1)} before, ${loadAfter.toFixed(1)} after; took ${tookSeconds} s |`,
    '',
    ...workloads.flatMap((each) => section(each, plots.get(each.workload.id))),
    '## Who took part, with what',
    '',
    '| | versions | configured |',
    '| --- | --- | --- |',
    ...contenders(report),
    '',
  ].join('\n');
}

/** Writes the page, and its plots into a folder of its name beside it. */
export async function writeReport(report: Report, file: string): Promise<void> {
  const name = basename(file, extname(file));
  const folder = join(dirname(file), name);
  await mkdir(folder, { recursive: true });
  const plots = new Map<string, string>();
  for (const { workload, cases } of report.workloads) {
    if (cases.every(({ contenders: those }) => those.length === 0)) continue;
    const drawn = workload.growth ? lineChart(workload, cases) : barChart(workload, cases);
    await writeFile(join(folder, `${workload.id}.svg`), drawn);
    plots.set(workload.id, `${name}/${workload.id}.svg`);
  }
  await writeFile(file, page(report, plots));
}
