import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises';
import type { BenchCache } from '../contender.js';
import { forEachIndex, TTL_MS } from '../runner/fill.js';
import { percentile } from '../runner/percentile.js';
import { sharedNow } from '../runner/shared-clock.js';
import type { Stage } from '../runner/stage.js';
import type { Place, PreparedCase, RoundResult, Workload, WorkloadCase } from '../workload.js';

/** The process that changes a key, and the one that has a copy. */
const WRITER = 0;
const READER = 1;
/** New answers in a row after which the old one is not expected again. */
const SETTLED = 20;
const WARMING = 2_000;
const RETRY_MS = 10;
const GIVE_UP_CHANGING_MS = 5_000;

interface Versioned {
  readonly id: string;
  readonly version: 'old' | 'new';
}

type How = 'set' | 'delete';

type Request =
  | { readonly do: 'watch'; readonly keys: readonly string[]; readonly storingMs: number }
  | { readonly do: 'change'; readonly keys: readonly string[]; readonly how: How }
  | { readonly do: 'watched'; readonly patienceMs: number };

/** When the old value was last answered, by the shared clock; Infinity where it still was when patience ended. */
interface Watched {
  readonly lastOld: readonly number[];
  readonly wrong: number;
  readonly errors: number;
  readonly firstError: string | undefined;
}

/** Asks for its keys over and over, and notes when each was last answered with the old value. */
class Watcher {
  readonly #cache: BenchCache;
  readonly #keys: readonly string[];
  readonly #lastOld: number[];
  readonly #newInARow: number[];
  #wrong = 0;
  #errors = 0;
  #firstError: string | undefined;
  #version: Versioned['version'] = 'old';
  #ended = false;

  constructor(cache: BenchCache, keys: readonly string[]) {
    this.#cache = cache;
    this.#keys = keys;
    this.#lastOld = keys.map(() => 0);
    this.#newInARow = keys.map(() => 0);
  }

  /** Resolves when a copy of each key is in memory; goes on asking from then on. */
  async begin(storingMs: number): Promise<void> {
    await this.#readAll();
    // Some store behind the back of the call, and have a copy only after that.
    await pause(storingMs);
    await this.#readAll();
    // Whoever loads from here on is given what the change has made of it.
    this.#version = 'new';
    void this.#goOn();
  }

  async end(patienceMs: number): Promise<Watched> {
    const until = performance.now() + patienceMs;
    while (performance.now() < until && this.#newInARow.some((count) => count < SETTLED)) await pause(1);
    this.#ended = true;
    return {
      lastOld: this.#lastOld.map((at, i) => ((this.#newInARow[i] ?? 0) > 0 ? at : Infinity)),
      wrong: this.#wrong,
      errors: this.#errors,
      firstError: this.#firstError,
    };
  }

  async #goOn(): Promise<void> {
    while (!this.#ended) {
      await this.#readAll();
      await nextTurn();
    }
  }

  async #readAll(): Promise<void> {
    await Promise.all(this.#keys.map((key, i) => this.#read(key, i)));
  }

  async #read(key: string, i: number): Promise<void> {
    const load = (): Promise<Versioned> => Promise.resolve({ id: key, version: this.#version });
    try {
      const value = (await this.#cache.getOrSet(key, load)) as Partial<Versioned> | undefined;
      if (value?.id !== key) this.#wrong++;
      else if (value.version === 'new') this.#newInARow[i] = (this.#newInARow[i] ?? 0) + 1;
      else {
        this.#newInARow[i] = 0;
        this.#lastOld[i] = sharedNow();
      }
    } catch (error) {
      this.#errors++;
      this.#firstError ??= String(error);
    }
  }
}

/** Resolves with when the call that succeeded was made. */
async function change(cache: BenchCache, key: string, how: How): Promise<number> {
  const giveUp = performance.now() + GIVE_UP_CHANGING_MS;
  for (;;) {
    const began = sharedNow();
    try {
      if (how === 'set') await cache.set(key, { id: key, version: 'new' } satisfies Versioned, TTL_MS);
      else await cache.delete(key);
      return began;
    } catch (error) {
      if (performance.now() > giveUp) throw error;
      await pause(RETRY_MS);
    }
  }
}

/** Sets, deletes and reads enough for all of it to be compiled, on both sides. */
async function prepare(cache: BenchCache, { index: place }: Place): Promise<PreparedCase> {
  await forEachIndex(WARMING, 1, async (index) => {
    const key = `warming:${index}`;
    const value: Versioned = { id: key, version: 'old' };
    if (place === WRITER) await cache.set(key, value, TTL_MS);
    await cache.getOrSet(key, () => Promise.resolve(value));
    if (place === WRITER) await cache.delete(key);
  });
  let watcher: Watcher | undefined;
  const act = async (request: Request): Promise<unknown> => {
    switch (request.do) {
      case 'watch':
        watcher = new Watcher(cache, request.keys);
        return watcher.begin(request.storingMs);
      case 'change':
        return Promise.all(request.keys.map((key) => change(cache, key, request.how)));
      case 'watched':
        return watcher?.end(request.patienceMs);
      default:
        return request satisfies never;
    }
  };
  return { act: (request) => act(request as Request) };
}

interface Samples {
  readonly stale: number[];
  readonly wrong: number;
  readonly errors: number;
  readonly firstError: string | undefined;
}

function outcome({ stale, ...rest }: Samples, began: number): RoundResult {
  const p99Ms = percentile(stale, 0.99);
  return {
    ...rest,
    operations: stale.length,
    seconds: (performance.now() - began) / 1_000,
    cpuMicros: 0,
    loads: 0,
    p99Ms,
    figures: { p50: percentile(stale, 0.5), p99: p99Ms, max: stale.at(-1) ?? 0 },
  };
}

let serial = 0;

function freshKeys(count: number): string[] {
  return Array.from({ length: count }, () => `stale:${process.pid}:${serial++}`);
}

/** Milliseconds that the reader answered the old value for after `from`. */
function staleFor({ lastOld }: Watched, from: readonly number[]): number[] {
  return lastOld.map((at, i) => Math.max(0, at - (from[i] ?? 0)));
}

/** One key after the other, nothing ill. */
async function oneByOne(stage: Stage, how: How): Promise<RoundResult> {
  const began = performance.now();
  const stale: number[] = [];
  let last: Watched | undefined;
  let wrong = 0;
  let errors = 0;
  while (stale.length < (stage.quick ? 25 : 100)) {
    const keys = freshKeys(1);
    await stage.act(READER, { do: 'watch', keys, storingMs: 5 } satisfies Request);
    const from = (await stage.act(WRITER, { do: 'change', keys, how } satisfies Request)) as number[];
    last = (await stage.act(READER, {
      do: 'watched',
      patienceMs: PATIENCE_MS.healthy,
    } satisfies Request)) as Watched;
    stale.push(...staleFor(last, from));
    wrong += last.wrong;
    errors += last.errors;
    // One that is not told of changes need not be waited for again and again.
    if (stale.includes(Infinity)) break;
  }
  return outcome({ stale, wrong, errors, firstError: last?.firstError }, began);
}

const PATIENCE_MS = { healthy: 1_000, ill: 10_000, quick: 3_000 } as const;
const KEYS_AT_ONCE = 20;

/** What is told while nobody is connected. */
async function afterCut(stage: Stage): Promise<RoundResult> {
  const began = performance.now();
  const keys = freshKeys(KEYS_AT_ONCE);
  await stage.act(READER, { do: 'watch', keys, storingMs: 100 } satisfies Request);
  await stage.server.cli('CLIENT', 'KILL', 'TYPE', 'pubsub');
  await stage.server.cli('CLIENT', 'KILL', 'TYPE', 'normal');
  const from = (await stage.act(WRITER, { do: 'change', keys, how: 'set' } satisfies Request)) as number[];
  const patienceMs = stage.quick ? PATIENCE_MS.quick : PATIENCE_MS.ill;
  const watched = (await stage.act(READER, { do: 'watched', patienceMs } satisfies Request)) as Watched;
  return outcome({ ...watched, stale: staleFor(watched, from) }, began);
}

/** What is never told, since Redis is stopped: the database has other values from that moment on. */
async function whileStopped(stage: Stage): Promise<RoundResult> {
  const began = performance.now();
  const keys = freshKeys(KEYS_AT_ONCE);
  await stage.act(READER, { do: 'watch', keys, storingMs: 100 } satisfies Request);
  await stage.server.freeze();
  try {
    const stopped = sharedNow();
    const patienceMs = PATIENCE_MS.ill;
    const watched = (await stage.act(READER, { do: 'watched', patienceMs } satisfies Request)) as Watched;
    const from = keys.map(() => stopped);
    return outcome({ ...watched, stale: staleFor(watched, from) }, began);
  } finally {
    await stage.server.thaw();
  }
}

const COMMON = {
  contenders: ['tiercel', 'bentocache', 'cacheable', 'cache-manager', 'layered-loader'],
  layers: ['memory+redis'],
  processes: 2,
  score: {
    title: 'ms stale, p50',
    better: 'lower',
    digits: 2,
    of: (round) => round.figures?.['p50'] ?? Number.NaN,
  },
  figures: [
    { key: 'p99', title: 'p99', digits: 2 },
    { key: 'max', title: 'max', digits: 2 },
  ],
  comparesWithFloor: false,
  columns: [],
} as const satisfies Partial<Workload>;

function healthy(how: How): WorkloadCase {
  return { name: `${how}, watched for 1 s`, quick: true, prepare, lead: (stage) => oneByOne(stage, how) };
}

export const staleness: Workload = {
  ...COMMON,
  id: 'staleness',
  title: 'Staleness',
  description:
    'two processes with a copy in memory; from the call of set or delete in one to the last time that the other answers the old value',
  maxRounds: 5,
  cases: [healthy('set'), healthy('delete')],
};

export const stalenessWhenIll: Workload = {
  ...COMMON,
  id: 'staleness-ill',
  title: 'Staleness with an ill Redis',
  description: `the same for ${KEYS_AT_ONCE} keys, each contender with a Redis of its own`,
  ownServer: true,
  warmUp: false,
  maxRounds: 1,
  failuresAreResults: true,
  cases: [
    {
      name: 'all connections cut right before the set, watched for 10 s (quick: 3 s)',
      quick: true,
      prepare,
      lead: afterCut,
    },
    {
      name: 'Redis stopped and the database changed, watched for 10 s',
      quick: false,
      prepare,
      lead: whileStopped,
    },
  ],
};
