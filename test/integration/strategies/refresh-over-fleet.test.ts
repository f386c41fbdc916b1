import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createCache, type CacheManager, type EntryOptions } from 'tiercel';
import { eventually } from '../../support/eventually.js';
import { CacheChild, type ChildOrder, type LoadSpan } from '../../support/load-in-child.js';
import { PATIENT } from '../../support/open-cache.js';
import { startRedis, type RedisServer } from '../../support/redis.js';

/** At once, in each process. */
const READERS = 20;
/** Milliseconds by which two processes may differ about the age of an entry: each knows the server's clock to within a round trip. */
const CLOCKS = 50;

const now = (): number => performance.timeOrigin + performance.now();

/** Two processes that read the same keys all the time: at most one of them refreshes one. */
describe('a refresh, over two processes with many readers each', () => {
  let server: RedisServer;
  let child: CacheChild;
  let cache: CacheManager;
  const ours: LoadSpan[] = [];

  beforeAll(async () => {
    server = await startRedis();
    child = await CacheChild.start(server.url, 'a URL by tracking');
  });
  beforeEach(async () => {
    cache = createCache({ redis: { url: server.url, ...PATIENT }, namespace: 'fleet' });
    await cache.ready();
    ours.length = 0;
    child.spans.length = 0;
  });
  afterEach(() => cache.close());
  afterAll(async () => {
    child.kill();
    await server.stop();
  });

  const loadFor = (takes: number) => async (): Promise<string> => {
    const began = now();
    await pause(takes);
    ours.push([began, now()]);
    return 'loaded here';
  };

  /** Has both read until so many loads have run; resolves with them all, in order. */
  async function readUntil(loads: number, order: Omit<ChildOrder, 'callers'>): Promise<LoadSpan[]> {
    const load = loadFor(order.takes);
    const { key, options, refresh } = order;
    const rows = refresh && cache.resource('row', { load, ...options, refresh });
    const read = (): Promise<unknown> => rows?.get(key) ?? cache.getOrSet(key, load, options);
    const isDone = (): boolean => ours.length + child.spans.length >= loads;
    const loop = async (readAll: () => Promise<unknown>): Promise<void> => {
      while (!isDone()) {
        await readAll();
        await pause(2);
      }
    };
    await Promise.all([
      loop(() => Promise.all(Array.from({ length: READERS }, read))),
      loop(() => child.do({ ...order, callers: READERS })),
    ]);
    return [...ours, ...child.spans].toSorted(([a], [b]) => a - b);
  }

  it('ahead of the end of an entry runs once a period, and never twice at once', async () => {
    const ttl = 800;
    const order = { key: 'hot', takes: 60, options: { ttl, jitter: 0 }, refresh: 'ahead' } as const;
    const spans = await readUntil(10, order);
    const ages: number[] = [];
    let entryBegan = spans[0]?.[0] ?? 0;
    for (let i = 1; i < spans.length; i++) {
      const [began, ended] = spans[i] as LoadSpan;
      const [, before] = spans[i - 1] as LoadSpan;
      const age = began - entryBegan;
      // How early is drawn, and the earlier the slower the load was: what the machine held up is no measure.
      if (before - entryBegan < 2 * order.takes) expect(age).toBeGreaterThan(ttl / 4);
      ages.push(age);
      entryBegan = began;
      // One load, of who finds the entry expired, may join a refresh that has not been stored by then; it begins a hop later.
      const next = spans[i + 1]?.[0] ?? Infinity;
      if (next > ended + order.takes) continue;
      expect(age + (next - began)).toBeGreaterThan(ttl - CLOCKS);
      expect(spans[i + 2]?.[0] ?? Infinity).toBeGreaterThan(ended);
      i++;
    }
    expect(Math.min(...ages)).toBeLessThan(ttl);
  });

  it('behind a stale answer runs once a period, and never twice at once', async () => {
    const ttl = 300;
    const options: EntryOptions = { ttl, jitter: 0, staleWhileRevalidate: '1m' };
    const spans = await readUntil(6, { key: 'stale', takes: 100, options });
    for (const [i, [began]] of spans.entries()) {
      if (i === 0) continue;
      const [lastBegan, lastEnded] = spans[i - 1] as LoadSpan;
      expect(began).toBeGreaterThan(lastEnded);
      // An entry is as old as its load.
      expect(began - lastBegan).toBeGreaterThan(ttl - CLOCKS);
    }
  });

  it('does not come for what nobody reads: it expires', async () => {
    const options: EntryOptions = { ttl: 300, jitter: 0 };
    const cold = { key: 'cold', takes: 20, options, refresh: 'ahead' } as const;
    await readUntil(1, cold);
    const isThere = async (): Promise<boolean> => (await cache.getEntry('row:cold')) !== undefined;
    expect(await isThere()).toBe(true);
    // Others are read meanwhile, and refreshed.
    ours.length = child.spans.length = 0;
    await readUntil(4, { ...cold, key: 'warm' });
    await eventually('its end', async () => !(await isThere()));
    expect(ours.length + child.spans.length).toBeLessThan(6);
  });
});
