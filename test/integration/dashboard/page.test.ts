import axe from 'axe-core';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { dashboardHandler, type DashboardOptions } from 'tiercel/dashboard';
import { launchChromium, TO_LAUNCH } from '../../support/chromium.js';
import { eventually } from '../../support/eventually.js';
import { Opened } from '../../support/open-cache.js';
import { startRedis, uniquePrefix, type RedisServer } from '../../support/redis.js';
import { Shop } from '../../support/shop.js';
import { OpenPage } from './open-page.js';
import { MountedDashboard } from './visitor.js';

const token = 'a token of some length';

const number = (text: string): number => Number(text.replaceAll(',', ''));

describe('the page of the dashboard', () => {
  const suite = new Opened();
  let browser: Browser;
  let redis: RedisServer;
  let shop: Shop;
  /** One that may only look, and one that may act. */
  let looking: OpenPage;
  let acting: OpenPage;

  beforeAll(async () => {
    [browser, redis] = await Promise.all([launchChromium(), startRedis()]);
    shop = new Shop(redis.url, uniquePrefix());
    await shop.cache.ready();
    // Enough for the sample that hot keys are found with.
    for (let i = 0; i < 4000; i++) await shop.products.get(i % 40);
    [looking, acting] = await Promise.all([open(), open({ actions: true })]);
    suite.add(() => acting[Symbol.asyncDispose]());
    suite.add(() => looking[Symbol.asyncDispose]());
    suite.add(() => browser.close());
    suite.add(() => shop.cache.close());
    suite.add(() => redis.stop());
  }, TO_LAUNCH);
  afterEach(() => {
    looking.behaved();
    acting.behaved();
  });
  afterAll(() => suite.close());

  async function open(options: DashboardOptions = {}): Promise<OpenPage> {
    const opened = await OpenPage.on(browser, await MountedDashboard.of(shop.cache, options));
    return options.token === undefined ? opened.live() : opened;
  }

  /** The page is a second behind at most. */
  async function agrees(opened: OpenPage, id: string, of: () => number): Promise<void> {
    await eventually(`${id} is what the snapshot says`, async () => number(await opened.text(id)) === of());
  }

  it('shows what the snapshot says', async () => {
    const opened = looking;
    const { namespaces, counters } = shop.cache.metrics.snapshot();
    expect(counters.loads).toBeGreaterThan(39);
    await agrees(opened, 'reads', () => counters.hits + counters.misses + counters.redisErrors);
    await agrees(opened, 'loads', () => counters.loads);
    const name = Object.keys(namespaces)[0] ?? '';
    const row = opened.page.locator(`[data-namespace="${name}"]`);
    const cell = async (of: string): Promise<number> =>
      number(await row.locator(`[data-of=${of}]`).innerText());
    expect(await cell('loads')).toBe(namespaces[name]?.loads);
    expect(await cell('sets')).toBe(namespaces[name]?.sets);
    const ratio = (100 * counters.hits) / (counters.hits + counters.misses);
    await eventually('the ratio', async () =>
      (await opened.page.locator('.tile').first().innerText()).includes(
        `${ratio.toFixed(1)} % since the start`,
      ),
    );
    expect(await opened.page.locator('[aria-labelledby=hot]').innerText()).toContain('product:');
    expect(await opened.page.locator('[aria-labelledby=servers]').innerText()).toContain(
      `127.0.0.1:${redis.port}`,
    );
    expect(await opened.text('redis-latency')).toMatch(/^[\d.]+ (?:µs|ms)$/);
    // It comes with the first heartbeat.
    expect(await opened.text('coherence-lag')).toMatch(/^[\d.]+ (?:µs|ms)$/);
  });

  it('follows what happens, and draws it', async () => {
    const opened = looking;
    const reads = number(await opened.text('reads'));
    for (let i = 0; i < 50; i++) await shop.products.get(i % 40);
    await agrees(opened, 'reads', () => reads + 50);
    expect(await opened.page.locator('canvas').count()).toBe(4);
    await eventually(
      'the charts have points',
      async () => (await opened.page.getByText('Collecting').count()) === 0,
    );

    await opened.page.getByRole('button', { name: 'Pause' }).click();
    await opened.page.locator('[data-line=paused]').waitFor();
    await opened.page.getByRole('button', { name: 'Pause' }).click();
    await opened.live();
  });

  it('works where it is mounted', async () => {
    const handler = dashboardHandler(shop.cache, { path: '/admin/cache' });
    const dashboard = await MountedDashboard.mount((request, response) => {
      if (request.url?.startsWith('/admin/cache')) handler(request, response);
      else response.writeHead(404).end();
    });
    await using opened = await OpenPage.on(browser, dashboard, '/admin/cache');
    await opened.live();
    expect(opened.page.url()).toBe(`${dashboard.origin}/admin/cache/`);
  });

  it('asks for the token, and lets nobody in without', async () => {
    await using opened = await open({ token });
    const { page } = opened;
    await page.getByLabel('Token of this dashboard').fill('another token, longer');
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByText('That is not the token.').waitFor();
    await page.getByLabel('Token of this dashboard').fill(token);
    await page.keyboard.press('Enter');
    await opened.live();
    expect(await page.evaluate('document.cookie')).toBe('');
    await page.getByRole('button', { name: 'Log out' }).click();
    await page.getByLabel('Token of this dashboard').waitFor();
  });

  it('shows what a key holds', async () => {
    const opened = looking;
    const { page } = opened;
    await shop.products.get(7);
    await page.getByLabel('Key, without the namespace').fill('product:7');
    await page.getByRole('button', { name: 'Inspect' }).click();
    const value = await opened.text('value');
    expect(value).toContain("name: 'Product number 7'");
    expect(value).toContain('addedAt: 2026-01-08T00:00:00.000Z');
    const facts = await opened.text('inspected');
    expect(facts).toMatch(/Answered from\s+memory/);
    expect(facts).toMatch(/Tags\s+products, shelf-7/);
    expect(facts).toMatch(/Redis keeps it\s+1\d min/);
    expect(facts).toMatch(/Takes in Redis\s+\d+ B/);

    await page.getByLabel('Key, without the namespace').fill('product:none');
    await page.keyboard.press('Enter');
    await page.getByText('There is nothing under this key').waitFor();
  });

  it('shows on demand what a namespace takes, and what it would take otherwise', async () => {
    const opened = looking;
    await opened.page.getByRole('button', { name: /^Memory of \w+ in Redis$/ }).click();
    await opened.page.getByText('Stored otherwise').waitFor();
    expect(await opened.text('memory-report')).toMatch(
      /KiB in \d+ keys.*\n[\s\S]*Values\s+[\d.]+ KiB[\s\S]*msgpack/,
    );
  });

  it('has no button that changes anything where actions are not allowed', async () => {
    const opened = looking;
    expect(
      await opened.page.getByRole('button', { name: /Clear|Remove|Invalidate|Replay|Drop|Run/ }).count(),
    ).toBe(0);
    await opened.page.getByText('Read-only').waitFor();
  });

  it('removes, invalidates, clears and preloads where they are', async () => {
    const opened = acting;
    const { page } = opened;
    await shop.products.get(3);
    await page.getByLabel('Key, without the namespace').fill('product:3');
    await page.getByRole('button', { name: 'Inspect' }).click();
    await page.getByRole('button', { name: 'Remove' }).click();
    await page.getByText('Removed product:3.').waitFor();
    expect(await shop.cache.get('product:3')).toBeUndefined();

    await shop.products.get(4);
    await page.getByLabel('Tag in this namespace').fill('shelf-4');
    await page.getByRole('button', { name: 'Invalidate' }).click();
    await page.getByText('Nothing with the tag shelf-4').waitFor();
    expect(await shop.cache.get('product:4')).toBeUndefined();

    const runs = (): number => shop.preloader.status().find(({ name }) => name === 'bestsellers')?.runs ?? 0;
    const before = runs();
    await page.getByRole('button', { name: 'Run now: bestsellers' }).click();
    await eventually('the pattern was run', () => runs() > before);

    await shop.sessions.set('session:1', { user: 1 });
    await shop.products.get(5);
    await page.getByRole('button', { name: /^Clear \w+:sessions$/ }).click();
    await page.getByText('1 entries of Redis').waitFor();
    expect(await shop.sessions.get('session:1')).toBeUndefined();
    expect(await shop.cache.get('product:5')).toBeDefined();
  });

  it('shows what the database refused, and has it tried again or given up', async () => {
    const opened = acting;
    const { page } = opened;
    shop.takesCarts = false;
    await shop.carts.save(1, { id: 1 });
    await shop.carts.save(2, { id: 2 });
    await shop.carts.flush();
    shop.takesCarts = true;
    await page.getByRole('button', { name: 'Look at the dead letters of cart' }).click();
    await page.getByText('violates constraint').first().waitFor();
    await page.getByRole('button', { name: 'Drop the write of 1' }).click();
    await page.getByText('The write was given up.').waitFor();
    await page.getByRole('button', { name: 'Replay the write of 2' }).click();
    await page.getByText('The write is tried again.').waitFor();
    await shop.carts.flush();
    expect(await shop.carts.backlog()).toMatchObject({ pending: 0, dead: 0 });
  });

  it.each([360, 1280])('needs no scrolling sideways when it is %d wide', async (width) => {
    const opened = acting;
    const { page } = opened;
    await page.setViewportSize({ width, height: 800 });
    await page.getByLabel('Key, without the namespace').fill('product:7');
    await page.getByRole('button', { name: 'Inspect' }).click();
    await opened.text('value');
    await page.getByRole('button', { name: /^Memory of \w+ in Redis$/ }).click();
    await page.getByText('Stored otherwise').waitFor();
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width);
  });

  it.each(['light', 'dark'] as const)('can be read and used by everybody, %s', async (colorScheme) => {
    const opened = acting;
    const { page } = opened;
    await page.emulateMedia({ colorScheme });
    await page.getByLabel('Key, without the namespace').fill('product:8');
    await page.getByRole('button', { name: 'Inspect' }).click();
    await opened.text('value');
    await page.evaluate(axe.source);
    const { violations } = await page.evaluate<{
      violations: Array<{ id: string; nodes: Array<{ html: string; failureSummary: string }> }>;
    }>('axe.run()');
    const told = violations.map(({ id, nodes }) => [
      id,
      nodes.map(({ html, failureSummary }) => html + failureSummary),
    ]);
    expect(told).toEqual([]);
  });

  it('begins, for the keyboard, with a way to the figures', async () => {
    const { page } = acting;
    await page.reload();
    await acting.live();
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.textContent.trim()')).toBe('Skip to the figures');
  });

  it('finds the application again after it was away', async () => {
    const handler = dashboardHandler(shop.cache);
    let away = false;
    const dashboard = await MountedDashboard.mount((request, response) => {
      if (away) response.destroy();
      else handler(request, response);
    });
    await using opened = await OpenPage.on(browser, dashboard);
    await opened.live();
    away = true;
    dashboard.dropConnections();
    await opened.page.locator('[data-line=lost]').waitFor();
    away = false;
    await opened.live();
  });

  it('lives on while Redis is away, and says so', async () => {
    const opened = looking;
    await redis.kill();
    await opened.page.getByTestId('outage').getByText('Redis cannot be reached').waitFor();
    await opened.page.getByLabel('Key, without the namespace').fill('product:none');
    await opened.page.getByRole('button', { name: 'Inspect' }).click();
    await opened.page.getByTestId('inspected').getByText('nothing').waitFor();
    await opened.page.locator('[data-state=lost]').first().waitFor();
    await opened.live();
    await redis.restart();
    await eventually('the notice goes', async () => (await opened.page.getByTestId('outage').count()) === 0);
  });
});
