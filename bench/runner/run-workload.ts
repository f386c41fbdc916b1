import type { RedisServer } from '../../servers/redis.js';
import type { RoundResult, Workload } from '../workload.js';
import { ContenderProcess } from './contender-process.js';
import type { Introduction } from './messages.js';
import { readCounters, resetCounters, type ServerCounters } from './server-counters.js';

export interface RunOptions {
  readonly contenders: readonly string[];
  readonly rounds: number;
  readonly seconds: number;
  /** Only the cases meant for a quick look. */
  readonly quick: boolean;
  /** Told what is going on, a line at a time. */
  readonly progress: (line: string) => void;
}

export interface Round extends RoundResult, ServerCounters {}

export interface ContenderRounds extends Introduction {
  /** In the order they ran; the n-th rounds of all contenders ran next to each other. */
  readonly rounds: readonly Round[];
  /** Values found wrong after the last round, beyond those the rounds counted. */
  readonly wrongAfterwards: number;
}

export interface CaseResult {
  readonly name: string;
  readonly contenders: readonly ContenderRounds[];
  /** Those that could not finish, with what they said. They are in no comparison. */
  readonly failed: readonly { readonly name: string; readonly error: string }[];
}

export interface WorkloadResult {
  readonly workload: Workload;
  readonly introductions: readonly Introduction[];
  readonly cases: readonly CaseResult[];
}

/** The share of a measured round that the unmeasured one before the first takes. */
const WARM_UP = 1;

class Entrant {
  readonly process = new ContenderProcess();
  readonly introduction: Introduction;
  readonly rounds: Round[] = [];
  failure: string | undefined;

  constructor(id: string) {
    this.introduction = { id, name: id, role: 'peer', versions: {}, configured: '' };
  }
}

/** What went wrong with one contender is told in the results and does not stop the others. */
async function attempt(entrant: Entrant, action: () => Promise<void>): Promise<void> {
  if (entrant.failure !== undefined) return;
  try {
    await action();
  } catch (error) {
    entrant.failure = error instanceof Error ? error.message : String(error);
  }
}

async function runCase(
  server: RedisServer,
  workload: Workload,
  caseIndex: number,
  entrants: readonly Entrant[],
  { rounds, seconds, progress }: RunOptions,
): Promise<CaseResult> {
  const name = workload.cases[caseIndex]?.name ?? '';
  progress(`${workload.id}: ${name}`);
  for (const entrant of entrants) {
    entrant.rounds.length = 0;
    await attempt(entrant, async () => {
      await entrant.process.ask({ ask: 'prepare', caseIndex });
      await entrant.process.ask({ ask: 'round', seconds: seconds * WARM_UP });
    });
  }
  for (let round = 0; round < rounds; round++) {
    // Whoever goes first meets another machine than whoever goes last, so the order turns.
    const first = round % entrants.length;
    for (const entrant of [...entrants.slice(first), ...entrants.slice(0, first)]) {
      await attempt(entrant, async () => {
        await resetCounters(server);
        const result = await entrant.process.ask({ ask: 'round', seconds });
        entrant.rounds.push({ ...result, ...(await readCounters(server)) });
      });
    }
  }
  const contenders: ContenderRounds[] = [];
  const failed: { name: string; error: string }[] = [];
  for (const entrant of entrants) {
    await attempt(entrant, async () => {
      const wrongAfterwards = await entrant.process.ask({ ask: 'verify' });
      contenders.push({ ...entrant.introduction, rounds: [...entrant.rounds], wrongAfterwards });
    });
    if (entrant.failure !== undefined)
      failed.push({ name: entrant.introduction.name, error: entrant.failure });
  }
  return { name, contenders, failed };
}

/** Runs every case of a workload, all contenders in turns. Redis is emptied first. */
export async function runWorkload(
  server: RedisServer,
  workload: Workload,
  options: RunOptions,
): Promise<WorkloadResult> {
  await server.cli('FLUSHALL');
  const entrants: Entrant[] = options.contenders.map((id) => new Entrant(id));
  try {
    await Promise.all(
      entrants.map((entrant) =>
        attempt(entrant, async () => {
          const { id } = entrant.introduction;
          const request = { ask: 'setup', contender: id, workload: workload.id } as const;
          const introduction = await entrant.process.ask({
            ...request,
            redisUrl: server.url,
            prefix: `bench-${id}`,
          });
          Object.assign(entrant.introduction, introduction);
        }),
      ),
    );
    const cases: CaseResult[] = [];
    for (const [index, each] of workload.cases.entries()) {
      if (options.quick && !each.quick) continue;
      cases.push(await runCase(server, workload, index, entrants, options));
    }
    for (const entrant of entrants) {
      await attempt(entrant, async () => void (await entrant.process.ask({ ask: 'close' })));
    }
    return { workload, introductions: entrants.map((entrant) => entrant.introduction), cases };
  } finally {
    await Promise.all(entrants.map((entrant) => entrant.process.end()));
  }
}
