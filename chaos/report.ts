import type { Violation } from './check/violation.js';
import { lifeName, OUTSIDE, type History, type Load, type Read, type Write } from './history.js';
import type { ChaosReport } from './run.js';

const SHOWN = 10;

/** What people read after a run. */
export function renderReport(report: ChaosReport): string {
  const { history, violations, staleness, worstRead, lateness, latestReturn, readErrors, bounds } = report;
  const { reads, writes, loads, faults } = history;
  const refused = writes.filter(({ ok }) => ok === false).length;
  const unknown = writes.filter(({ end }) => end === undefined).length;
  const lines = [
    `operations         ${reads.length} reads, ${writes.length} writes (${refused} refused, ${unknown} cut off), ${loads.length} loads`,
    `written            ${count(writes.map((write) => (write.worker === OUTSIDE ? 'redis-cli DEL' : (write.key.split(':')[0] ?? ''))))}`,
    `faults             ${faults.length}: ${count(faults.map(({ name }) => name))}`,
    `errors of reads    ${readErrors}`,
    `refused by Redis   ${refusedFor(history).toFixed(0)} ms in all, of processes whose link was ready`,
    `worst read         ${worstRead.toFixed(0)} ms`,
    `held up            ${heldUp(history)}`,
    `beyond deadlines   ${lateness.reads.toFixed(0)} ms with reads, ${lateness.writes.toFixed(0)} ms with writes (50 allowed)`,
    `worst staleness    ${staleness.well.toFixed(0)} ms when all was well (${bounds.hop} allowed), ` +
      `${staleness.disturbed.toFixed(0)} ms under faults (${bounds.maxStaleWhenDisconnected + bounds.hop} allowed)`,
    `back in service    ${latestReturn ? `${latestReturn.took.toFixed(0)} ms at the latest, after ${latestReturn.after} (1000 allowed)` : 'Redis was never away'}`,
    `violations         ${violations.length}${violations.length > 0 ? `: ${count(violations.map(({ promise }) => promise))}` : ''}`,
  ];
  for (const violation of violations.slice(0, SHOWN)) lines.push('', renderViolation(violation, report));
  if (violations.length > SHOWN) lines.push('', `and ${violations.length - SHOWN} more`);
  return lines.join('\n');
}

/** Of the machine, which those who run late see least of, the time that did not go to the run; of the processes, the worst. */
function heldUp({ stalls }: History): string {
  const sums = [...stalls].map(
    ([who, spans]) => [who, spans.reduce((sum, { begin, end }) => sum + end - begin, 0)] as const,
  );
  const run = sums.find(([who]) => who === OUTSIDE)?.[1] ?? 0;
  const worst = Math.max(0, ...sums.filter(([who]) => who !== OUTSIDE).map(([, sum]) => sum));
  return `${run.toFixed(0)} ms the run itself, ${worst.toFixed(0)} ms the worst of the processes`;
}

function refusedFor({ refused }: History): number {
  return [...refused.values()].flat().reduce((sum, { begin, end }) => sum + end - begin, 0);
}

function count(items: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const item of items) counts.set(item, (counts.get(item) ?? 0) + 1);
  return [...counts].map(([item, n]) => `${item} ${n}`).join(', ');
}

/** The history of its key, shrunk to what matters: what it is about, and what went on in between. */
function renderViolation({ promise, key, what, about }: Violation, { history }: ChaosReport): string {
  const from = Math.min(...about.map(({ begin }) => begin)) - 20;
  const to = Math.max(...about.map(({ begin, end }) => end ?? begin));
  const readers = new Set(about.map(lifeName));
  const events: Array<{ readonly at: number; readonly text: string }> = [];
  const span = (begin: number, end: number | undefined): string =>
    `${(begin - from).toFixed(1)} to ${end === undefined ? 'its death' : (end - from).toFixed(1)}`;
  const within = (one: Read | Write | Load): boolean =>
    one.key === key && one.begin <= to && (one.end ?? to) >= from;
  for (const write of history.writes.filter(within)) {
    const outcome = write.ok === true ? 'done' : (write.error ?? 'cut off');
    const text = `${span(write.begin, write.end)}  ${lifeName(write)} writes ${write.token}: ${outcome}`;
    events.push({ at: write.begin, text });
  }
  for (const load of history.loads.filter(within)) {
    events.push({ at: load.begin, text: `${span(load.begin, load.end)}  ${lifeName(load)} loads` });
  }
  const others = history.reads.filter((read) => within(read) && readers.has(lifeName(read)));
  const reads = new Set([...others.slice(-12), ...others.filter((read) => about.includes(read))]);
  for (const read of reads) {
    const mark = about.includes(read) ? '   <-- here' : '';
    const text = `${span(read.begin, read.end)}  ${lifeName(read)} reads ${read.token ?? read.error}${mark}`;
    events.push({ at: read.begin, text });
  }
  for (const life of readers) {
    const worker = Number(life.split('.')[0]);
    for (const { begin, end } of history.unready.get(worker) ?? []) {
      if (begin <= to && end >= from)
        events.push({ at: begin, text: `${span(begin, end)}  ${life} is not ready` });
    }
  }
  for (const fault of history.faults) {
    if (fault.begin > to || fault.end < from - 3000) continue;
    const who = fault.worker === undefined ? '' : ` of ${fault.worker}`;
    events.push({ at: fault.begin, text: `${span(fault.begin, fault.end)}  ${fault.name}${who}` });
  }
  const shown = events.sort((a, b) => a.at - b.at).map(({ text }) => `    ${text}`);
  return [
    `${promise}  ${key}: ${what}`,
    ...(shown.length > 40 ? [...shown.slice(0, 15), '    …', ...shown.slice(-25)] : shown),
  ].join('\n');
}
