import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CacheManager } from 'tiercel';
import { waysToRedis, type WayToRedis } from '../support/clients.js';
import { eventually } from '../support/eventually.js';
import { GatedTable } from '../support/gated-table.js';
import { Opened } from '../support/open-cache.js';
import { sharedRedisUrl, uniquePrefix } from '../support/redis.js';
import { redisCli } from '../support/redis-cli.js';
import type { Stop } from '../support/stepping-proxy.js';
import { EAGER, refreshAhead, strategies, type Rows, type Strategy } from '../support/strategies.js';

/** For news to arrive, on a machine that may be busy with other things. */
const HOP = 1000;
const [url] = waysToRedis as [WayToRedis];
const client = redisCli(sharedRedisUrl());

/** How far a write has come. With write-behind it is acknowledged before the first of these. */
const STAGES = ['stands before the commit', 'stands behind the commit', 'is done'] as const;
type Stage = (typeof STAGES)[number];

/** A write that goes from stage to stage when it is told to. */
class SteppedWrite {
  readonly #strategy: Strategy;
  readonly #rows: Rows<string>;
  readonly #stops: readonly Stop[];
  readonly #write: () => Promise<void>;
  #written: Promise<void> | undefined;
  #stage = -1;

  constructor(strategy: Strategy, table: GatedTable<string>, rows: Rows<string>, write: () => Promise<void>) {
    this.#strategy = strategy;
    this.#rows = rows;
    this.#stops = [table.stop('before the commit'), table.stop('behind the commit')];
    this.#write = write;
  }

  /** Whether its caller was told that it is done: from then on nobody may be served what was there before. */
  get isAcknowledged(): boolean {
    return this.#strategy.isBehind || this.#stage === 2;
  }

  async to(stage: Stage): Promise<void> {
    this.#written ??= this.#write();
    if (this.#strategy.isBehind) await this.#written;
    while (this.#stage < STAGES.indexOf(stage)) {
      this.#stops[this.#stage++]?.release();
      if (this.#stage < 2) await this.#stops[this.#stage]?.reached;
      else await this.#written;
    }
    if (this.#stage === 2) await this.#rows.flush();
  }
}

/** Two, one that keeps nothing in memory, and one that hears of nothing by itself, so that for it Redis alone decides. */
type Process = 'here' | 'there' | 'bare' | 'deaf';

/** A load that is under way. */
interface SlowLoad {
  /** Resolves when it has its answer and has tried to store it. */
  finish(): Promise<void>;
}

const writes = [
  { what: 'save here', writer: 'here', value: 'new' },
  { what: 'save there', writer: 'there', value: 'new' },
  { what: 'remove here', writer: 'here', value: undefined },
] as const;

/** When the load begins, and when its answer comes. */
const moments = [
  ...STAGES.map((ends) => ({ begins: 'before it', ends }) as const),
  ...STAGES.map((ends) => ({ begins: 'when it stands before the commit', ends }) as const),
];
/** What a removal meets in the middle is what a save meets there. */
const steps = moments.flatMap((moment) =>
  writes
    .filter(({ value }) => value !== undefined || moment.begins === 'before it')
    .map((write) => ({ ...moment, ...write })),
);
type Step = (typeof steps)[number];

const all = [
  ...strategies.map((strategy) => ({ strategy, name: strategy.name, load: 'a load' }) as const),
  { strategy: refreshAhead, name: refreshAhead.name, load: 'a refresh' } as const,
];

describe.each(all)('P2 no stale set, by $name, of $load', ({ strategy, load }) => {
  const namespace = uniquePrefix();
  const opened = new Opened();
  const table = new GatedTable<string>();
  let caches: Readonly<Record<Process, CacheManager>>;
  let rows: Readonly<Record<Process, Rows<string>>>;
  let id = 0;

  beforeAll(async () => {
    const entry = load === 'a refresh' ? EAGER : {};
    const options = { namespace, ttl: '1h' } as const;
    const [here, there, bare, deaf] = await Promise.all([
      opened.cache(url, sharedRedisUrl(), options),
      opened.cache(url, sharedRedisUrl(), options),
      opened.cache(url, sharedRedisUrl(), { ...options, memory: false }),
      opened.cache(url, sharedRedisUrl(), { ...options, coherence: 'none', memory: false }),
    ]);
    caches = { here, there, bare, deaf };
    const open = (cache: CacheManager): Rows<string> => strategy.open(cache, table, entry);
    rows = { here: open(here), there: open(there), bare: open(bare), deaf: open(deaf) };
  });
  afterAll(() => opened.close());

  /** A row that is old soon; in the cache where it is to be refreshed, and not where it is to be loaded. */
  async function newRow(): Promise<void> {
    table.rows.set(++id, 'old');
    if (load === 'a load') return;
    table.takes = 20;
    await rows.here.get(id);
    table.takes = 0;
  }

  /** Begins a load, and resolves when it has read the row, or when it is clear that it will not do so now. */
  async function begin(by: Process): Promise<SlowLoad> {
    let answer: Promise<unknown> | undefined;
    const stop = table.stop('behind the read');
    const waits = caches[by].stats().counters.leaseWaits;
    const seen = { reached: false, answered: false };
    void stop.reached.then(() => (seen.reached = true));
    await eventually('a load', () => {
      // A refresh goes on behind the answer, a load before it.
      if (load === 'a refresh') void rows[by].get(id);
      else answer ??= rows[by].get(id).finally(() => (seen.answered = true));
      return seen.reached || seen.answered || caches[by].stats().counters.leaseWaits > waits;
    });
    // Nobody else is to come upon it.
    if (!seen.reached) stop.release();
    return {
      async finish() {
        stop.release();
        // One that waits for the write goes on when that is done.
        if (seen.reached) await answer;
        // Behind everything that was still under way.
        await caches[by].set('other', id);
        if (load === 'a load') return;
        const lease = `%refresh:${namespace}::${rows.here.key(id)}`;
        await eventually('the end of the refresh', async () => (await client.text('EXISTS', lease)) === 0);
      },
    };
  }

  /** Nowhere is there anything old. */
  async function nothingOld(writer: 'here' | 'there', value: string | undefined): Promise<void> {
    // The news of what others did comes with the next answer at the latest.
    for (const cache of Object.values(caches)) await cache.ttl('any');
    expect(await rows[writer].get(id)).toBe(value);
    expect(await caches.bare.get(rows.here.key(id))).not.toBe('old');
    for (const which of ['here', 'there', 'bare'] as const) {
      await eventually('the row as it is', async () => (await rows[which].get(id)) === value, HOP);
      expect(caches[which].peek(rows.here.key(id))).not.toBe('old');
    }
  }

  async function run(by: Process, { begins, ends, writer, value }: Step): Promise<void> {
    await newRow();
    const write = new SteppedWrite(strategy, table, rows[writer], () =>
      value === undefined ? rows[writer].remove(id) : rows[writer].save(id, value),
    );
    if (begins === 'when it stands before the commit') await write.to('stands before the commit');
    const slow = await begin(by);
    await write.to(ends);
    if (write.isAcknowledged) await nothingOld(writer, value);
    await slow.finish();
    if (write.isAcknowledged) await nothingOld(writer, value);
    await write.to('is done');
    await nothingOld(writer, value);
  }

  it.each(steps)('$what: begun $begins, and answered when it $ends', (step) => run('here', step));

  it.each(steps.filter(({ what, begins }) => what === 'save here' && begins === 'before it'))(
    '$what: begun $begins by a process that hears of nothing, and answered when it $ends',
    (step) => run('deaf', step),
  );

  it('begun before somebody else changed the row and removed the key from Redis', async () => {
    await newRow();
    const slow = await begin('here');
    table.rows.set(id, 'new');
    await client.text('DEL', `${namespace}::${rows.here.key(id)}`);
    await nothingOld('there', 'new');
    await slow.finish();
    await nothingOld('here', 'new');
  });
});
