import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createCache, type CachePreloader, type ClusterCacheManager, type NodeInfo } from 'tiercel';
import { time } from '../../../dashboard/format.js';
import { startRedisCluster, type RedisCluster } from '../../../servers/redis-cluster.js';
import { rawAddress, sendRaw } from '../../../servers/raw-redis.js';
import { launchChromium, TO_LAUNCH } from '../../support/chromium.js';
import { eventually } from '../../support/eventually.js';
import { Opened, PATIENT } from '../../support/open-cache.js';
import { OpenPage } from './open-page.js';
import { MountedDashboard } from './visitor.js';

/** What comes by and by, of which it is known beforehand how much it will be: ten entries at a time, when told. */
class SteppedEntries {
  static readonly total = 40;
  static readonly step = 10;
  #given = 0;
  #due = 0;
  #wake = (): void => undefined;

  /** Lets the next ten through. */
  next(): void {
    this.#due += SteppedEntries.step;
    this.#wake();
  }

  load(signal: AbortSignal): ReadonlyArray<readonly [string, number]> {
    const entries = Array.from({ length: SteppedEntries.total }, (_, i) => [`preloaded:${i}`, i] as const);
    const one = async (entry: (typeof entries)[number]): Promise<(typeof entries)[number]> => {
      while (this.#given === this.#due) {
        signal.throwIfAborted();
        await new Promise<void>((resolve) => (this.#wake = resolve));
      }
      this.#given++;
      return entry;
    };
    return Object.assign(entries, {
      async *[Symbol.asyncIterator]() {
        for (const entry of entries.slice()) yield await one(entry);
      },
    });
  }
}

// A Cluster takes its time to find a node lost, and to find it again.
describe('the page of the dashboard over a Cluster', { timeout: 60_000 }, () => {
  const suite = new Opened();
  const stepped = new SteppedEntries();
  let cluster: RedisCluster;
  let cache: ClusterCacheManager;
  let preloader: CachePreloader;
  let opened: OpenPage;

  beforeAll(async () => {
    let browser: Browser;
    [browser, cluster] = await Promise.all([launchChromium(), startRedisCluster()]);
    suite.add(() => browser.close());
    suite.add(() => cluster.stop());
    // Only what the page has asked is seen then.
    cache = createCache({ redis: { cluster: cluster.urls, ...PATIENT, healthCheckInterval: '1h' } });
    await cache.ready();
    // Under way before anybody looks.
    preloader = cache.preload(
      [{ name: 'stepped', schedule: '300d', load: ({ signal }) => stepped.load(signal) }],
      { chunkSize: SteppedEntries.step },
    );
    stepped.next();
    await eventually('the first entries', async () => cache.has('preloaded:9'));
    opened = await OpenPage.on(browser, await MountedDashboard.of(cache));
    await opened.live();
  }, TO_LAUNCH);
  afterAll(async () => {
    await opened?.[Symbol.asyncDispose]();
    await cache?.close();
    await suite.close();
  });

  /** What the page says of each node. */
  async function shown(): Promise<unknown[]> {
    const rows = await opened.page.locator('[data-node]').all();
    return Promise.all(
      rows.map(async (row) => ({
        address: await row.getAttribute('data-node'),
        state: await row.locator('.state').innerText(),
        problem: (await row.locator('.error').allInnerTexts())[0],
        role: await row.locator('[data-of=role]').innerText(),
        slots: await row.locator('[data-of=slots]').innerText(),
        latency: await row.locator('[data-of=latency]').innerText(),
      })),
    );
  }

  const expected = (nodes: readonly NodeInfo[]): unknown[] =>
    nodes.map(({ address, state, healthy, problem, role, slots, latency }) => ({
      address,
      state: state === 'ready' && !healthy ? 'unwell' : state,
      problem,
      role,
      slots: slots.toLocaleString('en-US'),
      latency: time(latency),
    }));

  /** The page asks anew every two seconds, and then shows what it heard for as long. */
  async function agrees(what: string): Promise<void> {
    const same = async (): Promise<boolean> => {
      const { nodes } = await cache.healthCheck();
      // Its latencies are the last that were taken, until the page asks by itself.
      return eventually(
        'the page to say so',
        async () => JSON.stringify(await shown()) === JSON.stringify(expected(nodes)),
        1500,
      ).catch(() => false);
    };
    await eventually(what, same, 15_000).catch(async () =>
      expect(await shown()).toEqual(expected(cache.nodes.list())),
    );
  }

  it('shows each node with its role, its health and its latency, as healthCheck has them', async () => {
    await eventually('every node is well', async () => (await cache.healthCheck()).healthy, 10_000);
    await agrees('all of them are well');
    const states = await opened.page.locator('[data-node] .state').allInnerTexts();
    expect(states).toEqual(Array.from({ length: 6 }, () => 'ready'));
    const roles = await opened.page.locator('[data-of=role]').allInnerTexts();
    expect(roles).toEqual(['primary', 'primary', 'primary', 'replica', 'replica', 'replica']);

    const lost = cache.nodes.list().at(-1)?.address ?? '';
    const server = cluster.nodes.find(({ port }) => lost.endsWith(`:${port}`));
    await server?.kill();
    const row = opened.page.locator(`[data-node="${lost}"]`);
    await row.locator('[data-state=lost]').waitFor();
    expect((await cache.healthCheck()).healthy).toBe(false);
    await agrees('one of them is lost');
    expect(await row.locator('.error').innerText()).toMatch(/lost/);
    expect(await row.locator('[data-of=latency]').innerText()).toBe('–');
    await server?.restart();
    await row.locator('[data-state=ready]').waitFor();
    await eventually('its problem is gone', async () => (await row.locator('.error').count()) === 0, 15_000);
  });

  it('shows a node that is connected and yet not well', async () => {
    const primary = await cluster.ownerOf('{any}');
    const address = rawAddress(primary.url);
    const replica = cache.nodes.list().find((node) => node.primary === `${address.host}:${address.port}`);
    const row = opened.page.locator(`[data-node="${replica?.address}"]`);
    // The replica has to connect to its primary anew, and is refused.
    await sendRaw(address, [
      ['CONFIG', 'SET', 'requirepass', 'secret'],
      ['CLIENT', 'KILL', 'TYPE', 'replica'],
    ]);
    await row.locator('[data-state=unwell]').waitFor();
    await agrees('it does not follow its primary');
    expect(await row.locator('.error').innerText()).toMatch(/does not follow its primary/);
    await sendRaw(address, [
      ['AUTH', 'secret'],
      ['CONFIG', 'SET', 'requirepass', ''],
    ]);
    await row.locator('[data-state=ready]').waitFor();
  });

  it.each([360, 1280])('has room for all of it when it is %d wide', async (width) => {
    const { page } = opened;
    await page.setViewportSize({ width, height: 800 });
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width);
    // An address in two lines cannot be read.
    const lines = await page.evaluate<
      number[]
    >(`[...document.querySelectorAll('[data-node] th')].map((th) => {
      const range = document.createRange();
      range.selectNode(th.firstChild);
      return range.getClientRects().length;
    })`);
    expect(lines).toEqual(Array.from({ length: 6 }, () => 1));
    const [table, room] = await page.evaluate<[number, number]>(
      `(({ scrollWidth, clientWidth }) => [scrollWidth, clientWidth])(document.querySelector('[aria-label=Nodes]'))`,
    );
    if (width === 1280) expect(table).toBe(room);
  });

  it('shows how far a turn of preloading is, from before the page was opened, and moves with it', async () => {
    const row = opened.page.locator('[data-pattern=stepped]');
    const bar = opened.page.getByLabel('Progress of stepped');
    const isAt = async (written: number): Promise<void> => {
      await row.getByText(`${written} of ${SteppedEntries.total}`).waitFor();
      const [value, max] = await Promise.all([bar.getAttribute('value'), bar.getAttribute('max')]);
      expect([value, max].map(Number)).toEqual([written, SteppedEntries.total]);
    };
    await row.getByText('running').waitFor();
    await isAt(10);
    stepped.next();
    await isAt(20);
    stepped.next();
    await isAt(30);
    stepped.next();
    await row.getByText('idle').waitFor();
    await row.getByText('40 of 40').waitFor();
    expect(await bar.count()).toBe(0);
    expect(preloader.status()).toMatchObject([{ runs: 1, failures: 0, lastWritten: 40 }]);
  });
});
