import type { Round } from '../runner/entrant.js';
import type { CaseResult, ContenderRounds } from '../runner/run-workload.js';
import type { Workload } from '../workload.js';

/** One contender in one case, over its rounds. */
export interface Summary {
  readonly id: string;
  readonly name: string;
  readonly role: ContenderRounds['role'];
  /** Median score. */
  readonly score: number;
  /** (highest - lowest) / median of the scores; undefined of a single round. */
  readonly spread: number | undefined;
  /** How many times as good as the best peer and the best floor; medians of the ratios round by round. */
  readonly vsBestPeer: number | undefined;
  readonly vsFloor: number | undefined;
  /** How many times as good Tiercel is. */
  readonly oursVs: number | undefined;
  /** Medians over the rounds. */
  readonly figures: Readonly<Record<string, number>>;
  readonly cpuMicrosPerOperation: number;
  readonly p99Ms: number;
  /** Median over the rounds. */
  readonly loads: number;
  /** Calls that the loader had to answer, as a share of all calls. */
  readonly loadShare: number;
  /** Calls an operation, by command, the most frequent first. */
  readonly commandsPerOperation: readonly (readonly [command: string, calls: number])[];
  readonly keysFoundPerOperation: number;
  readonly tripsPerOperation: number;
  readonly wrong: number;
  readonly errors: number;
  readonly firstError: string | undefined;
}

export interface CaseSummary {
  readonly name: string;
  readonly x: number | undefined;
  readonly bestPeer: string | undefined;
  readonly bestFloor: string | undefined;
  /** Best score first. */
  readonly contenders: readonly Summary[];
  readonly failed: CaseResult['failed'];
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}

function total(rounds: readonly Round[], of: (round: Round) => number): number {
  return rounds.reduce((sum, round) => sum + of(round), 0);
}

function commands(rounds: readonly Round[], operations: number): [string, number][] {
  const calls = new Map<string, number>();
  for (const round of rounds) {
    for (const [name, count] of Object.entries(round.commands))
      calls.set(name, (calls.get(name) ?? 0) + count);
  }
  return [...calls]
    .map(([name, count]): [string, number] => [name, count / operations])
    .sort((a, b) => b[1] - a[1]);
}

function figuresOf(workload: Workload, rounds: readonly Round[]): Record<string, number> {
  const entries = (workload.figures ?? []).map(({ key }): [string, number] => [
    key,
    median(rounds.map((round) => round.figures?.[key] ?? Number.NaN)),
  ]);
  return Object.fromEntries(entries);
}

function spreadOf(scores: readonly number[]): number | undefined {
  const spread = (Math.max(...scores) - Math.min(...scores)) / median(scores);
  return scores.length < 2 || !Number.isFinite(spread) ? undefined : spread;
}

export function summarise(workload: Workload, result: CaseResult): CaseSummary {
  const { better, of: scoreOf } = workload.score;
  const scores = new Map(result.contenders.map((each) => [each, each.rounds.map(scoreOf)]));
  const scoresOf = (each: ContenderRounds | undefined): readonly number[] => (each && scores.get(each)) ?? [];
  const compare = (a: ContenderRounds, b: ContenderRounds): number => {
    const [first, second] = [median(scoresOf(a)), median(scoresOf(b))];
    if (first === second) return 0; // of two that were never seen to end, too
    return better === 'higher' ? second - first : first - second;
  };
  const ranked = [...result.contenders].sort(compare);
  const bestPeer = ranked.find((each) => each.role === 'peer');
  const bestFloor = workload.comparesWithFloor ? ranked.find((each) => each.role === 'floor') : undefined;
  const ours = ranked.find((each) => each.role === 'ours');

  const timesAsGood = (
    one: ContenderRounds | undefined,
    other: ContenderRounds | undefined,
  ): number | undefined => {
    if (one === undefined || other === undefined) return undefined;
    const theirs = scoresOf(other);
    const ratios = scoresOf(one).map((score, i) => {
      const ratio = score / (theirs[i] ?? Number.NaN);
      return better === 'higher' ? ratio : 1 / ratio;
    });
    const ratio = median(ratios);
    return Number.isFinite(ratio) ? ratio : undefined;
  };

  const contenders = ranked.map((each): Summary => {
    const { rounds } = each;
    const operations = total(rounds, (round) => round.operations);
    return {
      id: each.id,
      name: each.name,
      role: each.role,
      score: median(scoresOf(each)),
      spread: spreadOf(scoresOf(each)),
      vsBestPeer: timesAsGood(each, bestPeer),
      vsFloor: timesAsGood(each, bestFloor),
      oursVs: each === ours ? undefined : timesAsGood(ours, each),
      figures: figuresOf(workload, rounds),
      cpuMicrosPerOperation: median(rounds.map((round) => round.cpuMicros / round.operations)),
      p99Ms: median(rounds.map((round) => round.p99Ms)),
      loads: median(rounds.map((round) => round.loads)),
      loadShare: total(rounds, (round) => round.loads) / operations,
      commandsPerOperation: commands(rounds, operations),
      keysFoundPerOperation: total(rounds, (round) => round.keysFound) / operations,
      tripsPerOperation: total(rounds, (round) => round.trips) / operations,
      wrong: total(rounds, (round) => round.wrong) + each.wrongAfterwards,
      errors: total(rounds, (round) => round.errors),
      firstError: rounds.find((round) => round.firstError !== undefined)?.firstError,
    };
  });
  return {
    name: result.name,
    x: result.x,
    bestPeer: bestPeer?.name,
    bestFloor: bestFloor?.name,
    contenders,
    failed: result.failed,
  };
}

/** Whether a figure beside it can be believed: nothing failed, nothing was wrong, everybody finished. */
export function isSound(workload: Workload, { contenders, failed }: CaseSummary): boolean {
  const counts = (role: Summary['role']): boolean => !workload.failuresAreResults || role === 'ours';
  const fine = contenders.every(({ role, wrong, errors }) => !counts(role) || (wrong === 0 && errors === 0));
  return fine && failed.every(({ id }) => workload.failuresAreResults && id !== 'tiercel');
}
