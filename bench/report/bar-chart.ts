import type { Workload } from '../workload.js';
import { displayName, formatFigure } from './columns.js';
import { COLOURS, label, svg, WIDTH } from './plot-theme.js';
import type { CaseSummary } from './summary.js';

const NAMES = 190;
const VALUES = 190;
const ROW = 20;
const BAR = 13;
const TOP = 30;
const HEADING = 28;

/** The scores of all contenders, a block of bars for each case, the best on top. */
export function barChart({ title, score }: Workload, cases: readonly CaseSummary[]): string {
  const better = score.better === 'higher' ? 'longer bars are better' : 'shorter bars are better';
  const body = [label(0, 16, `${title}: ${score.title}; ${better}`, 'font-weight="600"')];
  let y = TOP;
  for (const { name, contenders } of cases) {
    body.push(label(0, y + 16, name, 'font-weight="600"'));
    y += HEADING;
    const finite = contenders.map((each) => each.score).filter((each) => Number.isFinite(each));
    const longest = Math.max(...finite, Number.MIN_VALUE);
    for (const each of contenders) {
      // What was not seen to end is drawn to the edge.
      const share = each.score === Infinity ? 1 : Math.max(0, each.score / longest || 0);
      const width = Math.max(1, share * (WIDTH - NAMES - VALUES));
      const fade = each.score === Infinity ? ' fill-opacity="0.4"' : '';
      const ratio = each.oursVs === undefined ? '' : `  (tiercel ${each.oursVs.toFixed(2)}x)`;
      body.push(
        label(NAMES - 8, y + BAR - 2, displayName(each), 'text-anchor="end"'),
        `<rect x="${NAMES}" y="${y}" width="${width.toFixed(1)}" height="${BAR}" rx="2" fill="${COLOURS[each.role]}"${fade}/>`,
        label(NAMES + width + 6, y + BAR - 2, `${formatFigure(each.score, score.digits ?? 0)}${ratio}`),
      );
      y += ROW;
    }
    y += 6;
  }
  return svg(y, `${title}: ${score.title}`, body);
}
