import { setTimeout as pause } from 'node:timers/promises';
import type { BenchCache } from '../contender.js';
import { CACHES } from '../contenders/index.js';
import { forEachIndex } from '../runner/fill.js';
import { sharedNow } from '../runner/shared-clock.js';
import type { Stage } from '../runner/stage.js';
import { profile } from '../values.js';
import type { Place, PreparedCase, RoundResult, Workload, WorkloadCase } from '../workload.js';
import {
  FAR_KEYS,
  farKey,
  HOT_KEYS,
  hotKey,
  LOAD_MS,
  loaderAlone,
  MISSING,
  OutageTraffic,
  type Marks,
} from './outage-traffic.js';

/** The first process is the one under load, the other has stored what only Redis knows, and has gone. */
const LOADED = 0;
/** How long Redis is there, away, and there again. */
const PHASES_MS = { before: 2_000, away: 3_000, after: 3_000 } as const;
const QUICK_PHASES_MS = { before: 700, away: 1_500, after: 1_500 } as const;

type Request = { readonly do: 'begin' } | { readonly do: 'end'; readonly marks: Marks };

async function prepareTraffic(cache: BenchCache): Promise<PreparedCase> {
  for (let pass = 0; pass < 2; pass++) {
    await forEachIndex(HOT_KEYS, 1, async (index) => {
      await cache.getOrSet(hotKey(index), () => Promise.resolve(profile(index)));
    });
  }
  const alone = await loaderAlone(1_000);
  let traffic: OutageTraffic | undefined;
  const act = async (request: Request): Promise<unknown> => {
    if (request.do === 'end') return traffic?.end(request.marks, alone);
    traffic = new OutageTraffic(cache);
    return undefined;
  };
  return { act: (request) => act(request as Request) };
}

async function prepare(cache: BenchCache, { index }: Place): Promise<PreparedCase> {
  if (index === LOADED) return prepareTraffic(cache);
  // Loaded, not set: some tell the other process of the value of a set, which would then be in its memory.
  await forEachIndex(FAR_KEYS, 1, async (each) => {
    await cache.getOrSet(farKey(each), () => Promise.resolve(profile(each)));
  });
  await cache.close();
  return {};
}

async function lead(
  { act, quick }: Stage,
  fault: () => Promise<void>,
  remedy: () => Promise<void>,
): Promise<RoundResult> {
  const phases = quick ? QUICK_PHASES_MS : PHASES_MS;
  await act(LOADED, { do: 'begin' } satisfies Request);
  await pause(phases.before);
  await fault();
  const down = sharedNow();
  await pause(phases.away);
  await remedy();
  const up = sharedNow();
  await pause(phases.after);
  const marks: Marks = { down, up };
  return (await act(LOADED, { do: 'end', marks } satisfies Request)) as RoundResult;
}

function caseOf(
  name: string,
  quick: boolean,
  leadCase: (stage: Stage) => Promise<RoundResult>,
): WorkloadCase {
  return { name, quick, prepare, lead: leadCase };
}

export const outage: Workload = {
  id: 'outage',
  title: 'Redis away',
  description:
    `${MISSING} callers of keys nobody has, whose load takes ${LOAD_MS} ms, beside callers of keys in memory and of keys that only Redis has; ` +
    `Redis is away for ${PHASES_MS.away / 1_000} s (quick: half of that). Throughput of the ${MISSING} as a share of what they come to with the loader alone`,
  contenders: [...CACHES, 'bentocache-deadlines', 'cacheable-nonblocking', 'layered-loader-deadlines'],
  layers: ['memory+redis', 'redis'],
  processes: 2,
  ownServer: true,
  warmUp: false,
  maxRounds: 1,
  failuresAreResults: true,
  score: {
    title: '% of loader alone, away',
    better: 'higher',
    of: (round) => round.figures?.['during'] ?? Number.NaN,
  },
  figures: [
    { key: 'noticed', title: '% away, after 0.5 s', digits: 0 },
    { key: 'before', title: '% before', digits: 0 },
    { key: 'after', title: '% after', digits: 0 },
    { key: 'median', title: 'median miss ms, away', digits: 1 },
    { key: 'worst', title: 'worst call ms', digits: 0 },
    { key: 'hung', title: 'hung calls', digits: 0 },
    { key: 'hitUp', title: 'hit us before', digits: 0 },
    { key: 'hitDown', title: 'hit us away', digits: 0 },
    { key: 'back', title: 'Redis hit after ms', digits: 0 },
    { key: 'alone', title: 'loader alone/s', digits: 0 },
  ],
  comparesWithFloor: false,
  columns: ['p99'],
  cases: [
    caseOf('killed, and started again with its keys', false, (stage) =>
      lead(
        stage,
        () => stage.server.kill(),
        () => stage.server.restart(),
      ),
    ),
    caseOf('stopped with SIGSTOP, and continued', true, (stage) =>
      lead(
        stage,
        () => stage.server.freeze(),
        () => stage.server.thaw(),
      ),
    ),
  ],
};
