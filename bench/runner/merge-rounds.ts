import type { RoundResult } from '../workload.js';

/** The rounds that several processes ran at the same time, as one: sums, and the worst time of all. */
export function mergeRounds(rounds: readonly RoundResult[]): RoundResult {
  const sum = (of: (round: RoundResult) => number): number => rounds.reduce((all, each) => all + of(each), 0);
  const worst = (of: (round: RoundResult) => number): number => Math.max(...rounds.map(of));
  const [only] = rounds;
  if (only !== undefined && rounds.length === 1) return only;
  return {
    operations: sum((each) => each.operations),
    seconds: worst((each) => each.seconds),
    cpuMicros: sum((each) => each.cpuMicros),
    p99Ms: worst((each) => each.p99Ms),
    wrong: sum((each) => each.wrong),
    errors: sum((each) => each.errors),
    loads: sum((each) => each.loads),
    firstError: rounds.find((each) => each.firstError !== undefined)?.firstError,
  };
}
