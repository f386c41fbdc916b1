import type { CaseResult, ContenderRounds, Round } from '../runner/run-workload.js';
import type { Workload } from '../workload.js';

/** One contender in one case, over its rounds. */
export interface Summary {
  readonly id: string;
  readonly name: string;
  readonly role: ContenderRounds['role'];
  /** Median score. */
  readonly score: number;
  /** (highest - lowest) / median of the scores. */
  readonly spread: number;
  /** How many times as good as the best peer and the best floor; medians of the ratios round by round. */
  readonly vsBestPeer: number | undefined;
  readonly vsFloor: number | undefined;
  readonly cpuMicrosPerOperation: number;
  readonly p99Ms: number;
  /** Median over the rounds. */
  readonly loads: number;
  /** Calls that the loader had to answer, as a share of all calls. */
  readonly loadShare: number;
  /** Calls an operation, by command, the most frequent first. */
  readonly commandsPerOperation: readonly (readonly [command: string, calls: number])[];
  readonly keysFoundPerOperation: number;
  readonly wrong: number;
  readonly errors: number;
  readonly firstError: string | undefined;
}

export interface CaseSummary {
  readonly name: string;
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

export function summarise(workload: Workload, result: CaseResult): CaseSummary {
  const { better, of: scoreOf } = workload.score;
  const scores = new Map(result.contenders.map((each) => [each, each.rounds.map(scoreOf)]));
  const medianOf = (each: ContenderRounds): number => median(scores.get(each) ?? []);
  const beats = (a: number, b: number): number => (better === 'higher' ? b - a : a - b);
  const ranked = [...result.contenders].sort((a, b) => beats(medianOf(a), medianOf(b)));
  const bestPeer = ranked.find((each) => each.role === 'peer');
  const bestFloor = workload.comparesWithFloor ? ranked.find((each) => each.role === 'floor') : undefined;

  const timesAsGood = (mine: readonly number[], other: ContenderRounds | undefined): number | undefined => {
    const theirs = other === undefined ? undefined : scores.get(other);
    if (theirs === undefined) return undefined;
    const ratios = mine.map((score, i) => {
      const ratio = score / (theirs[i] ?? Number.NaN);
      return better === 'higher' ? ratio : 1 / ratio;
    });
    return median(ratios);
  };

  const contenders = ranked.map((each): Summary => {
    const mine = scores.get(each) ?? [];
    const score = median(mine);
    const operations = total(each.rounds, (round) => round.operations);
    return {
      id: each.id,
      name: each.name,
      role: each.role,
      score,
      spread: (Math.max(...mine) - Math.min(...mine)) / score,
      vsBestPeer: timesAsGood(mine, bestPeer),
      vsFloor: timesAsGood(mine, bestFloor),
      cpuMicrosPerOperation: median(each.rounds.map((round) => round.cpuMicros / round.operations)),
      p99Ms: median(each.rounds.map((round) => round.p99Ms)),
      loads: median(each.rounds.map((round) => round.loads)),
      loadShare: total(each.rounds, (round) => round.loads) / operations,
      commandsPerOperation: commands(each.rounds, operations),
      keysFoundPerOperation: total(each.rounds, (round) => round.keysFound) / operations,
      wrong: total(each.rounds, (round) => round.wrong) + each.wrongAfterwards,
      errors: total(each.rounds, (round) => round.errors),
      firstError: each.rounds.find((round) => round.firstError !== undefined)?.firstError,
    };
  });
  return {
    name: result.name,
    bestPeer: bestPeer?.name,
    bestFloor: bestFloor?.name,
    contenders,
    failed: result.failed,
  };
}
