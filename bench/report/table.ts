import type { Workload } from '../workload.js';
import type { CaseSummary, Summary } from './summary.js';

interface Column {
  readonly title: string;
  cell(summary: Summary): string;
}

function ratio(value: number | undefined): string {
  return value === undefined ? '' : `${value.toFixed(2)}x`;
}

function perOperation(calls: number): string {
  return calls >= 0.995 && calls < 1.005 ? '1' : calls.toFixed(calls < 0.1 ? 3 : 2);
}

/** The two most frequent commands; rarer ones than one in a thousand operations are left out. */
function commands({ commandsPerOperation }: Summary): string {
  const shown = commandsPerOperation.filter(([, calls]) => calls >= 0.001).slice(0, 2);
  return shown.map(([name, calls]) => `${name} ${perOperation(calls)}`).join(', ') || 'none';
}

/** What would make a figure worthless, in words. */
function remarks(workload: Workload, summary: Summary): string {
  const notes: string[] = [];
  if (summary.wrong > 0) notes.push('WRONG VALUES');
  if (summary.errors > 0) notes.push('ERRORS');
  if (workload.readsRedis && summary.loadShare > 0) {
    notes.push(`${(summary.loadShare * 100).toFixed(1)} % were loaded though Redis had them`);
  }
  if (workload.readsRedis && summary.keysFoundPerOperation < 0.99) {
    notes.push(`only ${summary.keysFoundPerOperation.toFixed(2)} keys read from Redis per call`);
  }
  return notes.join('; ');
}

function columns(workload: Workload): Column[] {
  const { title } = workload.score;
  return [
    { title: 'contender', cell: (s) => (s.role === 'floor' ? `(${s.name})` : s.name) },
    { title, cell: (s) => Math.round(s.score).toLocaleString('en-US') },
    { title: 'spread', cell: (s) => `${Math.round(s.spread * 100)} %` },
    { title: 'vs best peer', cell: (s) => ratio(s.vsBestPeer) },
    ...(workload.comparesWithFloor ? [{ title: 'vs floor', cell: (s: Summary) => ratio(s.vsFloor) }] : []),
    { title: 'CPU us/call', cell: (s) => s.cpuMicrosPerOperation.toFixed(1) },
    { title: 'p99 ms', cell: (s) => s.p99Ms.toFixed(s.p99Ms < 10 ? 1 : 0) },
    ...(workload.showsLoads ? [{ title: 'loads', cell: (s: Summary) => String(s.loads) }] : []),
    { title: 'Redis commands/call', cell: commands },
    { title: 'wrong', cell: (s) => String(s.wrong) },
    { title: 'errors', cell: (s) => String(s.errors) },
    { title: '', cell: (s) => remarks(workload, s) },
  ];
}

/** Left-aligned columns: names and lists of commands. */
const TEXT = new Set(['contender', 'Redis commands/call', '']);

export function renderCase(workload: Workload, summary: CaseSummary): string {
  const shown = columns(workload);
  const rows = [
    shown.map((column) => column.title),
    ...summary.contenders.map((s) => shown.map((c) => c.cell(s))),
  ];
  const widths = shown.map((_, i) => Math.max(...rows.map((row) => (row[i] ?? '').length)));
  const lines = rows.map((row) =>
    row
      .map((cell, i) =>
        TEXT.has(shown[i]?.title ?? '') ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0),
      )
      .join('  ')
      .trimEnd(),
  );
  lines.splice(
    1,
    0,
    widths
      .map((width) => '-'.repeat(width))
      .join('  ')
      .trimEnd(),
  );
  for (const each of summary.contenders) {
    if (each.firstError !== undefined) lines.push(`${each.name}, first error: ${each.firstError}`);
  }
  for (const { name, error } of summary.failed) lines.push(`${name} did not finish: ${error}`);
  return [`${workload.title}: ${summary.name}`, ...lines].join('\n');
}
