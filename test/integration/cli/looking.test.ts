import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { PassThrough } from 'node:stream';
import { createCache, type CacheManager } from 'tiercel';
import { dashboardHandler } from 'tiercel/dashboard';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startRedisCluster } from '../../../servers/redis-cluster.js';
import { main } from '../../../src/cli/main.js';
import type { Terminal } from '../../../src/cli/terminal.js';
import { eventually } from '../../support/eventually.js';
import { Opened, PATIENT } from '../../support/open-cache.js';
import { redisCli } from '../../support/redis-cli.js';
import { startRedis, type RedisServer } from '../../support/redis.js';
import { sentinelFor } from '../../support/sentinel-for.js';
import { jsonOf, runCli, runHere } from '../../support/run-cli.js';

interface Stats {
  readonly servers: ReadonlyArray<{
    readonly address: string;
    readonly hits: number;
    readonly policy: string;
  }>;
  readonly keys: {
    readonly complete: boolean;
    readonly namespaces: ReadonlyArray<{
      readonly namespace?: string;
      readonly keys: number;
      readonly kinds: object;
    }>;
  };
}

interface Keys {
  readonly keys: ReadonlyArray<{
    readonly redisKey: string;
    readonly kind: string;
    readonly ttl: number | null;
    readonly bytes: number;
  }>;
  readonly complete: boolean;
}

interface Inspected {
  readonly status: string;
  readonly value?: unknown;
  readonly shown?: string;
  readonly reason?: string;
  readonly underWay?: { readonly lease: number };
  readonly header?: {
    readonly codec: string;
    readonly tags: readonly string[];
    readonly freshFor: number;
    readonly usableFor: number;
    readonly age: number;
  };
}

function jsonHere<T>(args: readonly string[]): Promise<T> {
  return jsonOf<T>(runHere, args);
}

/** A terminal that is held from the other side. */
function heldTerminal(): {
  terminal: Terminal;
  shown(): string;
  drawnOnStderr(): string;
  press(key: string): void;
} {
  const stdin = Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => undefined });
  const stdout = Object.assign(new PassThrough(), { isTTY: true, columns: 200 });
  const stderr = Object.assign(new PassThrough(), { isTTY: true, columns: 200 });
  let shown = '';
  let drawn = '';
  stdout.on('data', (chunk: Buffer) => (shown += chunk.toString()));
  stderr.on('data', (chunk: Buffer) => (drawn += chunk.toString()));
  return {
    terminal: { stdin, stdout, stderr, env: {} },
    shown: () => shown,
    drawnOnStderr: () => drawn,
    press: (key) => void stdin.write(key),
  };
}

describe('what the command line shows of one server', { timeout: 60_000 }, () => {
  let redis: RedisServer;
  let cache: CacheManager;
  beforeAll(async () => {
    redis = await startRedis({ config: { maxmemory: '200mb', 'maxmemory-policy': 'volatile-lfu' } });
    cache = createCache({ redis: { url: redis.url, ...PATIENT }, namespace: 'shop', ttl: '1h', jitter: 0 });
    await cache.ready();
    await cache.set(
      'user:1',
      { name: 'Ada', langs: ['de'] },
      { tags: ['users'], staleWhileRevalidate: '10m' },
    );
    await cache.set('user:2', { born: new Date(0) });
    await cache.namespace('eu').setMany(Array.from({ length: 1500 }, (_, i) => [`k${i}`, i] as const));
    await redis.cli('SET', 'of-others', 'x');
  });
  afterAll(async () => {
    await cache.close();
    await redis.stop();
  });

  it('stats: what the server counts, and the keys of each namespace', async () => {
    const stats = await jsonHere<Stats>(['stats', '--url', redis.url]);
    expect(stats.servers).toHaveLength(1);
    expect(stats.servers[0]).toMatchObject({ address: `127.0.0.1:${redis.port}`, policy: 'volatile-lfu' });
    expect(stats.keys.complete).toBe(true);
    const counts = new Map(stats.keys.namespaces.map((one) => [one.namespace, one]));
    expect(counts.get('shop:eu')).toMatchObject({ keys: 1500, kinds: { entry: 1500 } });
    expect(counts.get('shop')).toMatchObject({ kinds: { entry: 2, tag: 2 } });
    expect(counts.get(undefined)).toMatchObject({ kinds: { other: 1 } });

    const ofOne = await jsonHere<Stats>(['stats', '--url', redis.url, '--namespace', 'shop:eu']);
    expect(ofOne.keys.namespaces.map(({ namespace }) => namespace)).toEqual(['shop:eu']);
    const { stdout, code } = await runHere(['stats', '--url', redis.url]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^shop:eu +1,500 {2}1,500 entry$/m);
  });

  it('stats: estimates where it may not look at all keys, and says so', async () => {
    const stats = await jsonHere<Stats>(['stats', '--url', redis.url, '--max-keys', '1000']);
    expect(stats.keys.complete).toBe(false);
    const eu = stats.keys.namespaces.find(({ namespace }) => namespace === 'shop:eu');
    expect(eu?.keys).toBeGreaterThan(1300);
    expect(eu?.keys).toBeLessThan(1700);
  });

  it('keys: by namespace and pattern, with life and size, no more than asked for', async () => {
    const some = await jsonHere<Keys>([
      'keys',
      '--url',
      redis.url,
      '--namespace',
      'shop',
      '--match',
      'user:*',
    ]);
    expect(some.keys.map(({ redisKey }) => redisKey).toSorted()).toEqual(['shop::user:1', 'shop::user:2']);
    expect(some.complete).toBe(true);
    for (const { ttl, bytes, kind } of some.keys) {
      expect(kind).toBe('entry');
      expect(ttl).toBeGreaterThan(3_500_000);
      expect(bytes).toBeGreaterThan(50);
    }
    const limited = await jsonHere<Keys>(['keys', '--url', redis.url, '--namespace', 'shop', '--limit', '7']);
    expect(limited.keys).toHaveLength(7);
    expect(limited.complete).toBe(false);
    // `k1*` must not match in the names of the namespaces.
    const family = await jsonHere<Keys>([
      'keys',
      '--url',
      redis.url,
      '--namespace',
      'shop',
      '--match',
      'k149?',
    ]);
    expect(family.keys).toHaveLength(10);
    const bare = await jsonHere<Keys>(['keys', '--url', redis.url, '--match', 'of-*']);
    expect(bare.keys).toMatchObject([{ redisKey: 'of-others', kind: 'other', ttl: null }]);
  });

  it('inspect: value, age, life, tags, codec', async () => {
    const entry = await jsonHere<Inspected>(['inspect', 'user:1', '--url', redis.url, '--namespace', 'shop']);
    expect(entry).toMatchObject({
      status: 'fresh',
      value: { name: 'Ada', langs: ['de'] },
      header: { codec: 'msgpack', tags: ['users'], freshFor: 3_600_000, usableFor: 4_200_000 },
    });
    expect(entry.header?.age).toBeGreaterThan(0);
    // A Date is none in JSON, so there is no value that would claim to be one.
    const date = await jsonHere<Inspected>(['inspect', 'user:2', '--url', redis.url, '--namespace', 'shop']);
    expect(date).not.toHaveProperty('value');
    expect(date.shown).toContain('1970-01-01T00:00:00.000Z');
    const within = await jsonHere<Inspected>(['inspect', 'k7', '--url', redis.url, '--namespace', 'shop:eu']);
    expect(within.value).toBe(7);
  });

  it('inspect: that a tag was invalidated, that somebody loads, that it is stale, that there is nothing', async () => {
    const args = ['--url', redis.url, '--namespace', 'shop'];
    await cache.set('tagged', 1, { tags: ['gone'] });
    await cache.invalidateTags(['gone']);
    expect(await jsonHere(['inspect', 'tagged', ...args])).toMatchObject({ status: 'outdated' });

    await cache.set('brief', 1, { ttl: 1, staleWhileRevalidate: '1h' });
    await eventually('it to be stale', async () => {
      const found = await jsonHere<Inspected>(['inspect', 'brief', ...args]);
      return found.status === 'stale';
    });

    let finish = (): void => undefined;
    const loading = cache.getOrSet('slow', () => new Promise((resolve) => (finish = () => resolve(1))));
    await eventually('the lease to be taken', async () => (await redis.cli('EXISTS', 'shop::slow')) === 1);
    const lease = await jsonHere<Inspected>(['inspect', 'slow', ...args]);
    finish();
    await loading;
    expect(lease.status).toBe('loading');
    expect(lease.underWay?.lease).toBeGreaterThan(0);

    const nothing = await runHere(['inspect', 'nothing', ...args]);
    expect(nothing).toMatchObject({ code: 1, stdout: '' });
    expect(nothing.stderr).toContain("there is no key 'nothing' in the namespace 'shop'");
  });

  it('inspect: of bytes that are no entry, and of bare JSON', async () => {
    await redis.cli('SET', 'shop::foreign', '{"a":1}');
    const args = ['inspect', 'foreign', '--url', redis.url, '--namespace', 'shop'];
    expect(await jsonHere(args)).toMatchObject({
      status: 'foreign',
      reason: expect.stringContaining('--plain'),
    });
    expect(await jsonHere([...args, '--plain'])).toMatchObject({ status: 'fresh', value: { a: 1 } });
    await redis.cli('RPUSH', 'shop::list', 'x');
    const list = await jsonHere(['inspect', 'list', '--url', redis.url, '--namespace', 'shop']);
    expect(list).toMatchObject({ status: 'foreign', type: 'list' });
  });

  it('keys of others cannot move the cursor of the terminal', async () => {
    await redis.cli('SET', 'evil\u001B[2J', 'x');
    const { stdout } = await runHere(['keys', '--url', redis.url, '--match', 'evil*']);
    expect(stdout).toContain(String.raw`evil\x1b[2J`);
    expect(stdout).not.toContain('\u001B');
  });

  it('memory: the report of the library', async () => {
    const report = await jsonHere<{ namespaces: object; complete: boolean }>([
      'memory',
      '--url',
      redis.url,
      '--namespace',
      'shop',
    ]);
    expect(report).toMatchObject({ namespace: 'shop', complete: true });
    expect(Object.keys(report.namespaces).toSorted()).toEqual(['shop', 'shop:eu']);
    const { stdout } = await runHere(['memory', '--url', redis.url, '--namespace', 'shop', '--compare', '0']);
    expect(stdout).toMatch(/^namespace shop: [\d.]+ KiB in 1,5\d\d keys/);
  });

  it.each([
    ['stats', /░.* of [\d,]+ keys/],
    ['keys', /░.* of [\d,]+ keys/],
    ['memory', /░.* 0%/],
    ['doctor', /░.* of [\d,]+ keys/],
  ])('%s: a bar on standard error, where that is a terminal, and clean output', async (name, bar) => {
    const held = heldTerminal();
    const family = name === 'doctor' ? [] : ['--namespace', 'shop'];
    const code = await main([name, '--url', redis.url, ...family, '--json'], held.terminal);
    expect(code).toBe(0);
    expect(held.drawnOnStderr()).toMatch(bar);
    expect(() => JSON.parse(held.shown()) as unknown).not.toThrow();
  });

  it('hot: by the counter of Redis where it counts', async () => {
    const cli = redisCli(redis.url);
    for (let i = 0; i < 400; i++) await cli.text('GET', 'shop:eu::k3');
    const hot = await jsonHere<{ keys: Array<{ redisKey: string; heat: number }>; servers: object[] }>([
      'hot',
      '--url',
      redis.url,
      '--limit',
      '3',
    ]);
    expect(hot.servers).toMatchObject([{ method: 'lfu', complete: true }]);
    expect(hot.keys).toHaveLength(3);
    expect(hot.keys[0]?.redisKey).toBe('shop:eu::k3');
  });

  it('hot: by when keys were last used where Redis does not count', async () => {
    await using lru = await startRedis({ config: { maxmemory: '100mb', 'maxmemory-policy': 'allkeys-lru' } });
    const cli = redisCli(lru.url);
    for (let i = 0; i < 20; i++) await cli.text('SET', `k${i}`, 'x');
    await cli.text('SET', 'busy', 'x');
    const over = new AbortController();
    const using = (async () => {
      while (!over.signal.aborted) await cli.text('GET', 'busy');
    })();
    const hot = await jsonHere<{ keys: Array<{ redisKey: string; heat: number }>; servers: object[] }>([
      'hot',
      '--url',
      lru.url,
      '--rounds',
      '4',
    ]);
    over.abort();
    await using;
    expect(hot.servers).toMatchObject([{ method: 'idle-time', rounds: 4 }]);
    expect(hot.keys[0]).toMatchObject({ redisKey: 'busy', heat: 4 });
    expect(hot.keys.every(({ redisKey, heat }) => redisKey === 'busy' || heat < 4)).toBe(true);
  });

  it('top: one frame where there is no terminal', async () => {
    const args = ['top', '--url', redis.url, '--interval', '200ms'];
    const { servers } = await jsonHere<{ servers: Array<Record<string, unknown>> }>(args);
    expect(servers).toMatchObject([{ address: `127.0.0.1:${redis.port}`, maxBytes: 209_715_200 }]);
    expect(servers[0]?.['opsPerSecond']).toBeGreaterThan(0);
    const { code, stdout } = await runHere(args);
    expect(code).toBe(0);
    expect(stdout.split('\n').filter((line) => line !== '')).toHaveLength(2);
  });

  it.each([
    ['q', 'q'],
    ['Ctrl-C', '\u0003'],
  ])('top: draws again and again on a terminal, until %s', async (_, key) => {
    const held = heldTerminal();
    const running = main(['top', '--url', redis.url, '--interval', '100ms'], held.terminal);
    const frames = (): number => held.shown().split('commands/s').length - 1;
    await eventually('three frames', () => frames() >= 3, 10_000);
    held.press(key);
    expect(await running).toBe(0);
    expect(held.shown()).toContain('\u001B[?25l');
    // The cursor is back.
    expect(held.shown().endsWith('\u001B[?25h')).toBe(true);
  });

  it('stats, top and hot of an application, through its dashboard', async () => {
    const token = 'a-token-of-twenty-letters';
    const server = createServer(dashboardHandler(cache, { token })).listen(0, '127.0.0.1');
    await once(server, 'listening');
    try {
      await cache.get('user:1');
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/tiercel`;
      const env = { TIERCEL_DASHBOARD_TOKEN: token };
      const frame = await jsonOf<{ snapshot: { counters: { hits: number } } }>(
        runCli,
        ['stats', '--dashboard', url],
        0,
        env,
      );
      expect(frame.snapshot.counters.hits).toBeGreaterThan(0);
      // Its second chunk is on its way for as long as the test looks.
      let go: () => void = () => undefined;
      const held = new Promise<void>((resolve) => (go = resolve));
      const load = async function* (): AsyncGenerator<[string, number]> {
        yield ['post:1', 1];
        await held;
      };
      const preloader = cache.preload([{ name: 'posts', schedule: '300d', load }], { chunkSize: 1 });
      const text = await eventually('a turn under way', async () => {
        const { stdout } = await runCli(['top', '--dashboard', url], env);
        return / so far/.test(stdout) && stdout;
      });
      expect(text).toMatch(/^hit rate +[\d.]+ %/m);
      expect(text).toMatch(/^preload posts +\d so far, no turn here yet, next in /m);
      go();
      await eventually('its end', () => preloader.status()[0]?.state === 'idle');
      const later = await runCli(['stats', '--dashboard', url], env);
      expect(later.stdout).toMatch(/^preload posts +last turn .+ ago: 1 in .+, next in /m);
      const hot = await jsonOf<{ method: string }>(runCli, ['hot', '--dashboard', url], 0, env);
      expect(hot.method).toBe('application');
      const refused = await runCli(['stats', '--dashboard', url]);
      expect(refused).toMatchObject({ code: 3, stdout: '' });
      expect(refused.stderr).toContain('answered 403');
    } finally {
      server.close();
      server.closeAllConnections();
    }
  });
});

describe('what the command line shows of several servers', { timeout: 60_000 }, () => {
  it('counts, lists and inspects over all nodes of a Cluster', async () => {
    await using cluster = await startRedisCluster({ primaries: 3, replicas: 0 });
    await using opened = new Opened();
    const cache = createCache({ redis: { cluster: cluster.urls, ...PATIENT }, namespace: 'shop' });
    opened.add(() => cache.close());
    await cache.setMany(Array.from({ length: 90 }, (_, i) => [`k${i}`, i] as const));
    const [first] = cluster.nodes;
    const args = ['--cluster', `127.0.0.1:${first?.port}`];
    const stats = await jsonHere<Stats>(['stats', ...args]);
    expect(stats.servers).toHaveLength(3);
    expect(stats.keys.namespaces).toMatchObject([{ namespace: 'shop', kinds: { entry: 90 } }]);
    expect((await jsonHere<Keys>(['keys', ...args, '--limit', '1000'])).keys.length).toBe(90);
    expect((await jsonHere<Keys>(['keys', ...args, '--limit', '70'])).keys.length).toBe(70);
    expect(await jsonHere(['inspect', 'k11', '--namespace', 'shop', ...args])).toMatchObject({ value: 11 });
    expect(await jsonHere(['memory', '--namespace', 'shop', ...args])).toMatchObject({ servers: 3 });
    expect(
      (await jsonHere<{ servers: object[] }>(['top', ...args, '--interval', '100ms'])).servers,
    ).toHaveLength(3);
  });

  it('finds the primary through Sentinel', async () => {
    await using redis = await startRedis();
    await redis.cli('SET', 'shop::x', 'x');
    const { sentinel } = await sentinelFor(redis.url);
    const [node] = sentinel.nodes;
    const stats = await jsonHere<Stats>(['stats', '--sentinel', `main@${node?.host}:${node?.port}`]);
    expect(stats.keys.namespaces).toMatchObject([{ namespace: 'shop', keys: 1 }]);
  });
});
