import type { RedisServer } from '../../servers/redis.js';
import type { ContenderId } from '../contenders/index.js';
import type { StartedResource, Workload } from '../workload.js';
import { Entrant, type Round } from './entrant.js';
import type { Introduction } from './messages.js';

export interface RunOptions {
  readonly contenders: readonly ContenderId[];
  readonly rounds: number;
  readonly seconds: number;
  /** Only the cases meant for a quick look. */
  readonly quick: boolean;
  /** Told what is going on, a line at a time. */
  readonly progress: (line: string) => void;
}

export interface ContenderRounds extends Introduction {
  /** In the order they ran; the n-th rounds of all contenders ran next to each other. */
  readonly rounds: readonly Round[];
  /** Values found wrong after the last round, beyond those the rounds counted. */
  readonly wrongAfterwards: number;
}

export interface CaseResult {
  readonly name: string;
  readonly x: number | undefined;
  readonly contenders: readonly ContenderRounds[];
  /** Those that could not finish, with what they said. They are in no comparison. */
  readonly failed: readonly { readonly id: ContenderId; readonly name: string; readonly error: string }[];
}

export interface WorkloadResult {
  readonly workload: Workload;
  readonly introductions: readonly Introduction[];
  readonly cases: readonly CaseResult[];
}

async function runCase(
  workload: Workload,
  caseIndex: number,
  entrants: readonly Entrant[],
  { rounds, seconds, quick, progress }: RunOptions,
): Promise<CaseResult | undefined> {
  const chosen = workload.cases[caseIndex];
  if (!chosen) return undefined;
  const who = workload.ownServer ? `, ${entrants.map(({ id }) => id).join(', ')}` : '';
  progress(`${workload.id}: ${chosen.name}${who}`);
  for (const entrant of entrants) {
    await entrant.attempt(async () => {
      await entrant.prepare(caseIndex);
      // Whatever is compiled or connected at the first use is done with after it.
      if (workload.warmUp !== false) await entrant.round(chosen, seconds, quick);
    });
  }
  for (let round = 0; round < Math.min(rounds, workload.maxRounds ?? rounds); round++) {
    // Whoever goes first meets another machine than whoever goes last, so the order turns.
    const first = round % entrants.length;
    for (const entrant of [...entrants.slice(first), ...entrants.slice(0, first)]) {
      await entrant.attempt(
        async () => void entrant.rounds.push(await entrant.round(chosen, seconds, quick)),
      );
    }
  }
  const contenders: ContenderRounds[] = [];
  for (const entrant of entrants) {
    await entrant.attempt(async () => {
      const wrongAfterwards = await entrant.verify();
      contenders.push({ ...entrant.introduction, rounds: [...entrant.rounds], wrongAfterwards });
    });
  }
  const failed = entrants.flatMap(({ introduction: { id, name }, failure }) =>
    failure === undefined ? [] : [{ id, name, error: failure }],
  );
  return { name: chosen.name, x: chosen.x, contenders, failed };
}

/** Sets up everyone, runs the cases, takes everyone down. */
async function runCases(
  server: RedisServer,
  workload: Workload,
  contenders: readonly ContenderId[],
  caseIndexes: readonly number[],
  resource: StartedResource | undefined,
  options: RunOptions,
): Promise<WorkloadResult> {
  await server.cli('FLUSHALL');
  const all = contenders.map((id) => new Entrant(id, workload, server));
  try {
    await Promise.all(all.map((entrant) => entrant.attempt(() => entrant.setup(workload, resource))));
    const entrants = all.filter((entrant) => entrant.takesPart);
    const cases: CaseResult[] = [];
    for (const index of caseIndexes) {
      const result = await runCase(workload, index, entrants, options);
      if (result) cases.push(result);
    }
    // After an outage some do not come to an end in order, and nothing is measured any more.
    if (!workload.ownServer) await Promise.all(entrants.map((each) => each.attempt(() => each.close())));
    return { workload, introductions: entrants.map((each) => each.introduction), cases };
  } finally {
    await Promise.all(all.map((entrant) => entrant.end()));
  }
}

/** Each contender by itself, from its server to its end, and anew for each case: who is being stopped must not disturb others. */
async function runApart(
  server: RedisServer,
  workload: Workload,
  contenders: readonly ContenderId[],
  caseIndexes: readonly number[],
  resource: StartedResource | undefined,
  options: RunOptions,
): Promise<WorkloadResult> {
  const introductions = new Map<ContenderId, Introduction>();
  const cases: CaseResult[] = [];
  for (const index of caseIndexes) {
    const results: CaseResult[] = [];
    for (const id of contenders) {
      const each = await runCases(server, workload, [id], [index], resource, options);
      results.push(...each.cases);
      for (const introduction of each.introductions) introductions.set(id, introduction);
    }
    const [first] = results;
    if (!first) continue;
    cases.push({
      ...first,
      contenders: results.flatMap((each) => each.contenders),
      failed: results.flatMap((each) => each.failed),
    });
  }
  return { workload, introductions: [...introductions.values()], cases };
}

/** Each case with a resource of its own, and contenders that are set up for it. */
async function runEachWithResource(
  server: RedisServer,
  workload: Workload,
  contenders: readonly ContenderId[],
  caseIndexes: readonly number[],
  options: RunOptions,
): Promise<WorkloadResult> {
  const introductions = new Map<ContenderId, Introduction>();
  const cases: CaseResult[] = [];
  for (const index of caseIndexes) {
    await using resource = await workload.cases[index]?.resource?.();
    const result = await runCases(server, workload, contenders, [index], resource, options);
    cases.push(...result.cases);
    for (const introduction of result.introductions) introductions.set(introduction.id, introduction);
  }
  return { workload, introductions: [...introductions.values()], cases };
}

/** Runs every case of a workload, all contenders in turns. Redis is emptied first. */
export async function runWorkload(
  server: RedisServer,
  workload: Workload,
  options: RunOptions,
): Promise<WorkloadResult> {
  const indexes = workload.cases.flatMap((each, index) => (options.quick && !each.quick ? [] : [index]));
  const contenders = workload.contenders.filter((id) => options.contenders.includes(id));
  if (workload.cases.some((each) => each.resource)) {
    return runEachWithResource(server, workload, contenders, indexes, options);
  }
  await using resource = await workload.resource?.();
  const run = workload.ownServer ? runApart : runCases;
  // Awaited here: what the resource is for must be over before it goes.
  return await run(server, workload, contenders, indexes, resource, options);
}
