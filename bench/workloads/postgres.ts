import { isDeepStrictEqual } from 'node:util';
import { usersByFame } from '../../demo/data/popularity.js';
import { Database } from '../../demo/database.js';
import { Random } from '../../demo/random.js';
import { DatabaseService } from '../../demo/social/database-service.js';
import { Zipf } from '../../demo/zipf.js';
import type { BenchCache } from '../contender.js';
import { CACHES } from '../contenders/index.js';
import { closedLoop, type LoopOptions } from '../runner/closed-loop.js';
import { socialNetwork } from '../runner/postgres-resource.js';
import type { Place, PreparedCase, Workload } from '../workload.js';

const USERS = 1_000;
const CALLERS = 100;
const EXPONENT = 0.99;
const SEED = 13;
/** Of a round that begins with an empty cache. */
const CALLS_FROM_EMPTY = 1_500;
const CHECKED = 50;

interface Profile {
  readonly id: number;
}

type Ending = Pick<LoopOptions, 'seconds' | 'calls'>;

/** @param plan - how long a round is, and which prefix its keys have. */
async function prepare(
  cache: BenchCache,
  { resourceUrl = '' }: Place,
  plan: { readonly fills: boolean; ending(seconds: number): Ending; prefix(turn: number): string },
): Promise<PreparedCase> {
  const service = new DatabaseService(new Database(resourceUrl));
  let loads = 0;
  const load = async (id: number): Promise<unknown> => {
    loads++;
    const profile = await service.profile(id);
    // Plain JSON data, so that every codec keeps it whole.
    return profile && { ...profile, memberSince: profile.memberSince.toISOString() };
  };
  const users = usersByFame(USERS);
  const zipf = new Zipf(USERS, EXPONENT);
  const random = new Random(SEED);
  let turn = 0;
  const read = (id: number): Promise<unknown> =>
    cache.getOrSet(`${plan.prefix(turn)}profile:${id}`, () => load(id));
  if (plan.fills) {
    // Database and cache see no more at once than in a round.
    for (let i = 0; i < users.length; i += CALLERS) {
      await Promise.all(Array.from(users.subarray(i, i + CALLERS), read));
    }
  }
  return {
    round(seconds) {
      turn++;
      return closedLoop({
        callers: CALLERS,
        ...plan.ending(seconds),
        loads: () => loads,
        async call() {
          const id = users[zipf.draw(random)] ?? 1;
          return ((await read(id)) as Profile | null)?.id === id;
        },
      });
    },
    async verify() {
      let wrong = 0;
      for (const id of users.subarray(0, CHECKED)) {
        if (!isDeepStrictEqual(await read(id), await load(id))) wrong++;
      }
      return wrong;
    },
  };
}

export const postgres: Workload = {
  id: 'postgres',
  title: 'In front of Postgres',
  description:
    `the demo's profile query (joins and counts) over ${USERS.toLocaleString('en-US')} users, Zipf ${EXPONENT}, ${CALLERS} callers, ` +
    'a fifth of the users fit into memory; every process has a pool of 10 connections',
  contenders: [...CACHES, 'floor-no-cache'],
  layers: ['memory+redis', 'redis', 'nothing'],
  memoryEntries: USERS / 5,
  resource: socialNetwork(USERS),
  maxRounds: 5,
  score: { title: 'ops/s', better: 'higher', of: (round) => round.operations / round.seconds },
  comparesWithFloor: true,
  columns: ['cpu', 'p99', 'loads', 'commands'],
  cases: [
    {
      name: 'all profiles cached',
      quick: true,
      prepare: (cache, place) =>
        prepare(cache, place, { fills: true, ending: (seconds) => ({ seconds }), prefix: () => '' }),
    },
    {
      name: `${CALLS_FROM_EMPTY.toLocaleString('en-US')} calls from an empty cache`,
      quick: true,
      prepare: (cache, place) =>
        prepare(cache, place, {
          fills: false,
          ending: () => ({ seconds: Infinity, calls: CALLS_FROM_EMPTY }),
          prefix: (turn) => `${turn}:`,
        }),
    },
  ],
};
