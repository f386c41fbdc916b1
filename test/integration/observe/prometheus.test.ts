import { execFile } from 'node:child_process';
import { readFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Registry } from 'prom-client';
import { createCache, type CacheManager } from 'tiercel';
import { metricsHandler, prometheusText, registerMetrics } from 'tiercel/prometheus';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startPrometheus } from '../../../servers/prometheus.js';
import { provisionPrometheus } from '../../../servers/provision/prometheus.js';
import { eventually } from '../../support/eventually.js';
import { Opened, PATIENT } from '../../support/open-cache.js';
import { sharedRedisUrl, uniquePrefix } from '../../support/redis.js';

const run = promisify(execFile);
const observability = fileURLToPath(new URL('../../../observability/', import.meta.url));
const alerts = join(observability, 'alerts.yml');

let opened: Opened;
beforeEach(() => {
  opened = new Opened();
});
afterEach(() => opened.close());

async function open(): Promise<{ cache: CacheManager; namespace: string }> {
  const namespace = uniquePrefix();
  // Heartbeats are measured: none may come between two looks that are to find the same.
  const redis = { url: sharedRedisUrl(), ...PATIENT, heartbeatInterval: '1m' } as const;
  const cache = createCache({ redis, namespace, maxStaleWhenDisconnected: '5m' });
  opened.add(() => cache.close());
  await cache.ready();
  return { cache, namespace };
}

/** One of nearly everything: hits of both layers, misses, loads, failures, writes, tags. */
async function use(cache: CacheManager): Promise<void> {
  await cache.getOrSet('secret:1', async () => 1);
  await eventually('the copy', () => cache.peek('secret:1') !== undefined);
  for (let i = 0; i < 100; i++) cache.peek('secret:1');
  await cache.getOrSet('bad', () => Promise.reject(new Error('no'))).catch(() => undefined);
  await cache.setMany([
    ['a', 1],
    ['b', 2],
  ]);
  await cache.set('c', 3);
  await cache.delete('a');
  await cache.invalidateTags(['t']);
  cache.metrics.counter('preload.turns').add(3);
}

async function serve(listener: RequestListener): Promise<{ address: string; url: string }> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  opened.add(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { address, url: `http://${address}/metrics` };
}

const samplesOf = (text: string): string[] =>
  text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));

describe('tiercel/prometheus', () => {
  it('answers the scrapes of a real Prometheus with what was counted', async () => {
    const { cache, namespace } = await open();
    await use(cache);
    const { address } = await serve(metricsHandler(cache, { labels: { service: 'shop' } }));
    await using prometheus = await startPrometheus({ targets: [address], ruleFiles: [alerts] });
    const ask = async (expression: string): Promise<number | undefined> =>
      (await prometheus.query(expression))[0]?.value;
    await eventually('a scrape', async () => (await ask('up')) === 1, 15_000);
    const { counters } = cache.metrics.snapshot();
    const of = `namespace="${namespace}",service="shop"`;
    const expected = {
      [`tiercel_reads_total{${of},layer="memory",outcome="hit"}`]: counters.memoryHits,
      [`tiercel_reads_total{${of},layer="redis",outcome="miss"}`]: counters.redisMisses,
      [`tiercel_loads_total{${of}}`]: 2,
      [`tiercel_load_failures_total{${of},reason="error"}`]: 1,
      [`tiercel_writes_total{${of},operation="set",outcome="ok"}`]: 3,
      [`tiercel_writes_total{${of},operation="delete",outcome="ok"}`]: 1,
      [`tiercel_invalidations_total{${of},direction="sent"}`]: 2,
      'tiercel_redis_state{state="ready"}': 1,
      'tiercel_operation_duration_seconds_count{layer="load",operation="load",outcome="ok"}': 1,
      'tiercel_operation_duration_seconds_bucket{layer="load",outcome="ok",le="+Inf"}': 1,
      tiercel_preload_turns_total: 3,
      tiercel_recovery_pending: 0,
    };
    const answers: Record<string, number | undefined> = {};
    for (const expression of Object.keys(expected)) answers[expression] = await ask(expression);
    expect(answers).toEqual(expected);
    expect(counters.memoryHits).toBeGreaterThanOrEqual(100);

    // What Prometheus has understood of types and units.
    const metadata = await prometheus.api<Record<string, { type: string }[]>>('metadata');
    expect(metadata['tiercel_reads_total']?.[0]?.type).toBe('counter');
    expect(metadata['tiercel_operation_duration_seconds']?.[0]?.type).toBe('histogram');
    const quantile = await ask(
      'histogram_quantile(0.5, tiercel_operation_duration_seconds_bucket{operation="set"})',
    );
    expect(quantile).toBeGreaterThan(0);
    expect(quantile).toBeLessThan(5);
    const rules = async (): Promise<{ health: string }[]> =>
      (await prometheus.api<{ groups: { rules: { health: string }[] }[] }>('rules')).groups.flatMap(
        (group) => group.rules,
      );
    await eventually('the rules', async () => (await rules()).every(({ health }) => health === 'ok'));
    expect((await rules()).length).toBeGreaterThan(10);
  }, 60_000);

  it('tells a registry of prom-client the same', async () => {
    const { cache } = await open();
    await use(cache);
    const registry = new Registry();
    const remove = registerMetrics(registry, cache);
    const fromRegistry = await registry.metrics();
    const own = prometheusText(cache);
    expect(samplesOf(fromRegistry).toSorted()).toEqual(samplesOf(own).toSorted());
    expect(fromRegistry).toContain('# TYPE tiercel_operation_duration_seconds histogram');
    expect(fromRegistry).not.toContain('secret');
    // What is counted by others may come later.
    cache.metrics.counter('write_behind.dead').add();
    await new Promise(setImmediate);
    await registry.metrics();
    await new Promise(setImmediate);
    expect(await registry.metrics()).toContain('tiercel_write_behind_dead_total 1');
    expect(await registry.getMetricsAsJSON()).toContainEqual(
      expect.objectContaining({ name: 'tiercel_loads_total', type: 'counter' }),
    );
    remove();
    expect((await registry.metrics()).trim()).toBe('');
    registerMetrics(registry, cache); // and again
  });

  it('tells it as OpenMetrics too', async () => {
    const { cache } = await open();
    await use(cache);
    const registry = new Registry();
    registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE as never); // its types know of one form only
    registerMetrics(registry, cache);
    for (let scrape = 0; scrape < 2; scrape++) {
      const text = await registry.metrics();
      expect(text).toContain('# TYPE tiercel_loads counter');
      expect(text).toMatch(/^tiercel_loads_total\{namespace="[^"]+"\} 2$/m);
      expect(text.trimEnd().endsWith('# EOF')).toBe(true);
    }
  });

  it('tells several caches apart, and clients and merged snapshots too', async () => {
    const [shop, users] = [await open(), await open()];
    await shop.cache.set('k', 1);
    const text = prometheusText({
      shop: shop.cache,
      users: users.cache.metrics,
      fleet: () => shop.cache.metrics.snapshot(),
    });
    for (const name of ['shop', 'fleet']) {
      expect(text).toContain(
        `tiercel_writes_total{cache="${name}",namespace="${shop.namespace}",operation="set",outcome="ok"} 1`,
      );
    }
    expect(text).toContain(`tiercel_loads_total{cache="users",namespace="${users.namespace}"} 0`);
    expect(text.match(/# TYPE tiercel_loads_total/g)).toHaveLength(1);
  });

  it('refuses what it cannot show, with the value', async () => {
    const { cache } = await open();
    expect(() => prometheusText({})).toThrow(/a cache/);
    expect(() => prometheusText({ shop: 5 } as never)).toThrow(/'shop'.*5/);
    expect(() => prometheusText(cache, { prefix: '9' })).toThrow(/prefix.*9/);
    expect(() => prometheusText(cache, { labels: { 'a-b': 'c' } })).toThrow(/a-b/);
    expect(() => metricsHandler(cache, { path: '/' } as never)).toThrow(/path/);
    const registry = new Registry();
    registerMetrics(registry, cache);
    expect(() => registerMetrics(registry, cache)).toThrow(/already/);
  });

  it('answers GET and HEAD, and nothing else', async () => {
    const { cache } = await open();
    const { url } = await serve(metricsHandler(cache));
    const get = await fetch(url);
    expect(get.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(await get.text()).toContain('tiercel_redis_state');
    const head = await fetch(url, { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
    expect((await fetch(url, { method: 'POST' })).status).toBe(405);
  });
});

describe('what is in observability/', () => {
  /** Every metric there is, with those of a Cluster, of write-behind and of preloading. */
  async function known(): Promise<Set<string>> {
    const { cache } = await open();
    const names = [
      'write_behind.acknowledged',
      'write_behind.applied',
      'write_behind.refused',
      'write_behind.dead',
    ];
    for (const name of [...names, 'preload.turns', 'preload.failures']) cache.metrics.counter(name);
    const registry = new Registry();
    const node = cache.metrics.snapshot().staleAge;
    const redirects = { moved: 0, ask: 0, tryAgain: 0, clusterDown: 0 };
    const nodes = { 'a:1': { commands: 0, load: 0, errors: 0, redirects, latency: node } };
    registerMetrics(registry, {
      metrics: cache.metrics,
      clusterMetrics: { snapshot: () => ({ nodes, redirects }) },
    });
    return new Set(
      registry
        .getMetricsAsArray()
        .flatMap(({ name }) => [name, `${name}_bucket`, `${name}_sum`, `${name}_count`]),
    );
  }

  interface Panel {
    readonly id: number;
    readonly title: string;
    readonly type: string;
    readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
    readonly targets?: readonly { readonly expr: string }[];
  }
  const dashboard = async (): Promise<{ panels: Panel[] }> =>
    JSON.parse(await readFile(join(observability, 'grafana-dashboard.json'), 'utf8')) as { panels: Panel[] };

  it('are alerts that promtool accepts, and that fire when they should', async () => {
    const { promtool } = await provisionPrometheus();
    expect((await run(promtool, ['check', 'rules', alerts])).stdout).toContain('SUCCESS');
    const tests = join(observability, 'alerts.test.yml');
    expect((await run(promtool, ['test', 'rules', tests])).stdout).toContain('SUCCESS');
  });

  it('is a dashboard whose queries Prometheus can read', async () => {
    const { promtool } = await provisionPrometheus();
    const { panels } = await dashboard();
    const queries = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
    expect(queries.length).toBeGreaterThan(30);
    const rules = queries.map((expr, i) => ({
      record: `panel:${i}`,
      expr: expr.replaceAll('$__rate_interval', '1m'),
    }));
    const folder = await mkdtemp(join(tmpdir(), 'tiercel-dashboard-'));
    try {
      const file = join(folder, 'rules.yml');
      await writeFile(file, JSON.stringify({ groups: [{ name: 'dashboard', rules }] }));
      const { stdout } = await run(promtool, ['check', 'rules', '--lint=none', file]);
      expect(stdout).toContain(`${queries.length} rules found`);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  it('asks for no metric that there is not', async () => {
    const names = await known();
    const { panels } = await dashboard();
    const texts = [
      ...panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)),
      await readFile(alerts, 'utf8'),
    ];
    const asked = new Set(texts.flatMap((text) => text.match(/tiercel_[a-z_]+/g) ?? []));
    expect([...asked].filter((name) => !names.has(name))).toEqual([]);
    expect(asked.size).toBeGreaterThan(25);
  });

  it('is a dashboard with every panel in a place of its own', async () => {
    const { panels } = await dashboard();
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    for (const [i, one] of panels.entries()) {
      for (const other of panels.slice(i + 1)) {
        const [a, b] = [one.gridPos, other.gridPos];
        const apart = a.x + a.w <= b.x || b.x + b.w <= a.x || a.y + a.h <= b.y || b.y + b.h <= a.y;
        expect(apart, `${one.title} and ${other.title}`).toBe(true);
      }
    }
  });
});
