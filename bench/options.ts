import { parseArgs } from 'node:util';
import { CONTENDER_IDS, type ContenderId } from './contenders/index.js';
import type { Workload } from './workload.js';
import { workloadById, WORKLOADS, workloadsOf } from './workloads/index.js';

export interface BenchOptions {
  readonly workloads: readonly Workload[];
  readonly contenders: readonly ContenderId[];
  readonly rounds: number;
  readonly seconds: number;
  readonly quick: boolean;
  readonly json: string | undefined;
  readonly report: string | undefined;
}

export const USAGE = `npm run bench -- [options]

  --only A,B          workloads: ${WORKLOADS.map((workload) => workload.id).join(', ')}
  --contenders A,B    ${CONTENDER_IDS.join(', ')}
  --rounds N          measured rounds of each contender in each case (9; quick 3)
  --seconds S         length of a round (0.3; quick 0.1)
  --quick             about four minutes, some of the cases: to see that all works, not to compare
  --growth            cost against size, of Tiercel and what there is without it; see bench:growth
  --json FILE         everything, every round included, as JSON
  --report FILE       the tables as a page of Markdown, with plots in a folder beside it
  --help`;

function list<T extends string>(text: string, known: readonly T[], option: string): readonly T[] {
  return text.split(',').map((each) => {
    const found = known.find((id) => id === each.trim());
    if (found === undefined)
      throw new Error(`--${option}: there is no ${each}; there are ${known.join(', ')}`);
    return found;
  });
}

function positive(text: string | undefined, fallback: number, option: string): number {
  if (text === undefined) return fallback;
  const value = Number(text);
  if (!(value > 0) || !Number.isFinite(value))
    throw new Error(`--${option} must be a number above 0, not ${text}`);
  return value;
}

/**
 * The options, or undefined when help was asked for.
 *
 * @throws Error that names what is wrong.
 */
export function parseOptions(argv: readonly string[]): BenchOptions | undefined {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      only: { type: 'string' },
      contenders: { type: 'string' },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      quick: { type: 'boolean', default: false },
      growth: { type: 'boolean', default: false },
      json: { type: 'string' },
      report: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return undefined;
  const ids = WORKLOADS.map((workload) => workload.id);
  return {
    workloads:
      values.only === undefined
        ? workloadsOf(values.growth ? 'growth' : 'comparison')
        : list(values.only, ids, 'only').map(workloadById),
    contenders:
      values.contenders === undefined ? CONTENDER_IDS : list(values.contenders, CONTENDER_IDS, 'contenders'),
    rounds: Math.ceil(positive(values.rounds, values.quick ? 3 : 9, 'rounds')),
    seconds: positive(values.seconds, values.quick ? 0.1 : 0.3, 'seconds'),
    quick: values.quick,
    json: values.json,
    report: values.report,
  };
}
