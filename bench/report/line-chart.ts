import type { Workload } from '../workload.js';
import { formatFigure } from './columns.js';
import { COLOURS, label, svg, WIDTH } from './plot-theme.js';
import type { CaseSummary } from './summary.js';

const HEIGHT = 300;
const LEFT = 70;
const RIGHT = 170;
const TOP = 40;
const BOTTOM = 40;

const log = (value: number): number => Math.log10(Math.max(value, 1e-6));

/** The score against the size of the case, both on logarithmic axes, a line for each contender. */
export function lineChart({ title, score, growth }: Workload, cases: readonly CaseSummary[]): string {
  const points = cases.flatMap(({ x, contenders }) =>
    x === undefined ? [] : contenders.map((each) => ({ x, y: each.score, each })),
  );
  const xs = points.map(({ x }) => log(x));
  const ys = points.map(({ y }) => log(y));
  const [fromX, toX] = [Math.min(...xs), Math.max(...xs)];
  const [fromY, toY] = [Math.floor(Math.min(...ys)), Math.ceil(Math.max(...ys))];
  const across = (x: number): number =>
    LEFT + ((log(x) - fromX) / (toX - fromX || 1)) * (WIDTH - LEFT - RIGHT);
  const up = (y: number): number =>
    HEIGHT - BOTTOM - ((log(y) - fromY) / (toY - fromY || 1)) * (HEIGHT - TOP - BOTTOM);

  const body = [label(0, 20, `${title}: ${score.title} against ${growth?.axis ?? ''}`, 'font-weight="600"')];
  for (let power = fromY; power <= toY; power++) {
    const y = up(10 ** power);
    body.push(
      `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y}" y2="${y}" stroke="${COLOURS.text}" stroke-opacity="0.3"/>`,
      label(LEFT - 8, y + 4, String(10 ** power), 'text-anchor="end"'),
    );
  }
  for (const x of new Set(points.map((point) => point.x))) {
    body.push(label(across(x), HEIGHT - BOTTOM + 18, formatFigure(x, 0), 'text-anchor="middle"'));
  }
  for (const name of new Set(points.map(({ each }) => each.name))) {
    const line = points.filter(({ each }) => each.name === name).sort((a, b) => a.x - b.x);
    const colour = COLOURS[line[0]?.each.role ?? 'peer'];
    const path = line.map(({ x, y }) => `${across(x).toFixed(1)},${up(y).toFixed(1)}`);
    const last = line.at(-1);
    body.push(`<polyline points="${path.join(' ')}" fill="none" stroke="${colour}" stroke-width="2"/>`);
    if (last) body.push(label(across(last.x) + 8, up(last.y) + 4, name));
  }
  return svg(HEIGHT, `${title}: ${score.title} against ${growth?.axis ?? ''}`, body);
}
