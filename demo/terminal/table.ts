/** Lines of a table: the first column to the left, figures to the right, a rule below the head. */
export function formatTable(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  );
  const lines = rows.map((row) =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('   ')
      .trimEnd(),
  );
  const rule = '─'.repeat(widths.reduce((sum, width) => sum + width, 3 * (widths.length - 1)));
  return [lines[0], rule, ...lines.slice(1)].join('\n');
}

/** Three significant digits, and thousands apart: `0.463`, `15.8`, `5,012`. */
export function formatNumber(value: number): string {
  if (value === 0) return '0';
  if (value >= 100) return Math.round(value).toLocaleString('en-US');
  return value.toPrecision(3);
}

export function formatPercentage(fraction: number): string {
  return `${(fraction * 100).toFixed(1)} %`;
}
