import type { Workload } from '../workload.js';
import { columnsOf, troubles } from './columns.js';
import type { CaseSummary } from './summary.js';

/** A case as text with aligned columns. */
export function renderCase(workload: Workload, summary: CaseSummary): string {
  const shown = columnsOf(workload);
  const rows = [
    shown.map((column) => column.title),
    ...summary.contenders.map((s) => shown.map((c) => c.cell(s))),
  ];
  const widths = shown.map((_, i) => Math.max(...rows.map((row) => (row[i] ?? '').length)));
  const align = (cell: string, i: number): string =>
    shown[i]?.isText ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0);
  const [header = '', ...lines] = rows.map((row) => row.map(align).join('  ').trimEnd());
  const rule = widths
    .map((width) => '-'.repeat(width))
    .join('  ')
    .trimEnd();
  return [`${workload.title}: ${summary.name}`, header, rule, ...lines, ...troubles(summary)].join('\n');
}
