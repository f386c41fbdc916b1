import { parseArgs } from 'node:util';
import { CONTENDER_IDS } from './contenders/index.js';
import type { Workload } from './workload.js';
import { workloadById, WORKLOADS } from './workloads/index.js';

export interface BenchOptions {
  readonly workloads: readonly Workload[];
  readonly contenders: readonly string[];
  readonly rounds: number;
  readonly seconds: number;
  readonly quick: boolean;
  readonly json: string | undefined;
}

export const USAGE = `npm run bench -- [options]

  --only A,B          workloads: ${WORKLOADS.map((workload) => workload.id).join(', ')}
  --contenders A,B    ${CONTENDER_IDS.join(', ')}
  --rounds N          measured rounds of each contender in each case (9; quick 3)
  --seconds S         length of a round (0.3; quick 0.1)
  --quick             under a minute, half of the cases: to see that all works, not to compare
  --json FILE         everything, every round included, as JSON
  --help`;

function list(text: string | undefined, known: readonly string[], option: string): readonly string[] {
  if (text === undefined) return known;
  const chosen = text.split(',').map((each) => each.trim());
  const unknown = chosen.find((each) => !known.includes(each));
  if (unknown !== undefined)
    throw new Error(`--${option}: there is no ${unknown}; there are ${known.join(', ')}`);
  return chosen;
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
      json: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return undefined;
  const ids = list(
    values.only,
    WORKLOADS.map((workload) => workload.id),
    'only',
  );
  return {
    workloads: ids.map(workloadById),
    contenders: list(values.contenders, CONTENDER_IDS, 'contenders'),
    rounds: Math.ceil(positive(values.rounds, values.quick ? 3 : 9, 'rounds')),
    seconds: positive(values.seconds, values.quick ? 0.1 : 0.3, 'seconds'),
    quick: values.quick,
    json: values.json,
  };
}
