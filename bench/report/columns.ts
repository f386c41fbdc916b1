import type { CommonColumn, Workload } from '../workload.js';
import type { Summary } from './summary.js';

/** One column of the table of a case. */
export interface Column {
  readonly title: string;
  /** Names and lists of commands, which are set to the left. */
  readonly isText?: boolean;
  readonly cell: (summary: Summary) => string;
}

function ratio(value: number | undefined): string {
  if (value === undefined) return '';
  return `${value.toFixed(value < 100 ? 2 : 0)}x`;
}

/** Thousands apart; what was not seen to end is longer than it was watched. */
export function formatFigure(value: number, digits: number): string {
  if (value === Infinity) return 'longer';
  if (Number.isNaN(value)) return '';
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

function perOperation(calls: number): string {
  return calls >= 0.995 && calls < 1.005 ? '1' : calls.toFixed(calls < 0.001 ? 4 : calls < 0.1 ? 3 : 2);
}

/** The most frequent command, and the next one unless it is rarer than one in a thousand operations. */
function commands({ commandsPerOperation }: Summary): string {
  const shown = commandsPerOperation
    .filter(([, calls], i) => calls >= (i === 0 ? 0.000_1 : 0.001))
    .slice(0, 2);
  return shown.map(([name, calls]) => `${name} ${perOperation(calls)}`).join(', ') || 'none';
}

/** What would make a figure worthless, in words. */
function remarks({ answersFrom }: Workload, summary: Summary): string {
  const notes: string[] = [];
  if (summary.wrong > 0) notes.push('WRONG VALUES');
  if (summary.errors > 0) notes.push('ERRORS');
  if (answersFrom && summary.loadShare > 0) {
    notes.push(`${(summary.loadShare * 100).toFixed(1)} % were loaded though they were in ${answersFrom}`);
  }
  if (answersFrom === 'redis' && summary.keysFoundPerOperation < 0.99) {
    notes.push(`only ${summary.keysFoundPerOperation.toFixed(2)} keys read from Redis per call`);
  }
  if (answersFrom === 'memory' && summary.keysFoundPerOperation > 0.001) {
    notes.push(`${summary.keysFoundPerOperation.toFixed(2)} keys read from Redis per call`);
  }
  return notes.join('; ');
}

const COMMON: Readonly<Record<CommonColumn, Column>> = {
  cpu: {
    title: 'CPU us/call',
    cell: ({ cpuMicrosPerOperation: micros }) => micros.toFixed(micros < 1 ? 3 : 1),
  },
  p99: { title: 'p99 ms', cell: ({ p99Ms }) => p99Ms.toFixed(p99Ms < 10 ? 1 : 0) },
  loads: { title: 'loads', cell: ({ loads }) => formatFigure(loads, 0) },
  commands: { title: 'Redis commands/call', isText: true, cell: commands },
  trips: { title: 'trips/call', cell: ({ tripsPerOperation }) => perOperation(tripsPerOperation) },
};

export function displayName({ role, name }: Pick<Summary, 'role' | 'name'>): string {
  return role === 'floor' ? `(${name})` : name;
}

export function columnsOf(workload: Workload): Column[] {
  const { score, figures = [], columns = ['cpu', 'p99', 'commands'], maxRounds } = workload;
  const hasPeers = !workload.growth;
  const spread = {
    title: 'spread',
    cell: (s: Summary) => (s.spread === undefined ? '' : `${Math.round(s.spread * 100)} %`),
  };
  return [
    { title: 'contender', isText: true, cell: displayName },
    { title: score.title, cell: (s) => formatFigure(s.score, score.digits ?? 0) },
    ...(maxRounds === 1 ? [] : [spread]),
    ...(hasPeers
      ? [
          { title: 'vs best peer', cell: (s: Summary) => ratio(s.vsBestPeer) },
          { title: 'tiercel vs it', cell: (s: Summary) => ratio(s.oursVs) },
        ]
      : []),
    ...(workload.comparesWithFloor ? [{ title: 'vs floor', cell: (s: Summary) => ratio(s.vsFloor) }] : []),
    ...figures.map(({ key, title, digits }) => ({
      title,
      cell: (s: Summary) => formatFigure(s.figures[key] ?? Number.NaN, digits),
    })),
    ...columns.map((each) => COMMON[each]),
    { title: 'wrong', cell: (s) => String(s.wrong) },
    { title: 'errors', cell: (s) => String(s.errors) },
    { title: '', isText: true, cell: (s) => remarks(workload, s) },
  ];
}

const LONGEST_ERROR = 300;

/** The first line: a stack has paths of this machine, which tell nobody else anything. */
const short = (text: string): string => (text.split('\n', 1)[0] ?? '').slice(0, LONGEST_ERROR);

/** What went wrong, a line each, below the table. */
export function troubles({ contenders, failed }: CaseTroubles): string[] {
  return [
    ...contenders.flatMap(({ name, firstError }) =>
      firstError === undefined ? [] : [`${name}, first error: ${short(firstError)}`],
    ),
    ...failed.map(({ name, error }) => `${name} did not finish: ${short(error)}`),
  ];
}

interface CaseTroubles {
  readonly contenders: readonly Pick<Summary, 'name' | 'firstError'>[];
  readonly failed: readonly { readonly name: string; readonly error: string }[];
}
