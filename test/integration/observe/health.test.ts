import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createCache, type CacheManager } from 'tiercel';
import { livenessHandler, readinessHandler } from 'tiercel/health';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../../support/eventually.js';
import { Opened } from '../../support/open-cache.js';
import { startRedis, type RedisServer } from '../../support/redis.js';

let opened: Opened;
let redis: RedisServer;
let cache: CacheManager;

beforeEach(async () => {
  opened = new Opened();
  redis = await startRedis();
  opened.add(() => redis.stop());
  cache = createCache({
    redis: { url: redis.url, commandTimeout: 200, retryDelay: { min: 20, max: 50 } },
    memory: { maxBytes: '1mb' },
  });
  opened.add(() => cache.close());
  await cache.ready();
});
afterEach(() => opened.close());

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  opened.add(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

async function ask(url: string): Promise<{ code: number; body: Record<string, unknown> }> {
  const response = await fetch(url);
  expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8');
  expect(response.headers.get('cache-control')).toBe('no-store');
  return { code: response.status, body: (await response.json()) as Record<string, unknown> };
}

describe('healthCheck', () => {
  it('tells how every part is', async () => {
    const saved = new Map<number, string>();
    const users = cache.resource('user', {
      load: (id: number) => saved.get(id),
      save: (id: number, value: string | undefined) => void saved.set(id, value ?? ''),
      write: 'behind',
    });
    await users.set(1, 'Ada');
    const health = await cache.healthCheck();
    const address = `127.0.0.1:${redis.port}`;
    expect(health).toMatchObject({
      healthy: true,
      closed: false,
      redis: { healthy: true, state: 'ready', servers: [{ healthy: true, state: 'ready', address }] },
      memory: { maxBytes: 2 ** 20 },
      coherence: { armed: true },
      loads: { running: 0, waiting: 0 },
      recovery: { pending: 0 },
      writeBehind: { dead: 0, failing: 0 },
      preloads: undefined,
    });
    expect(health.redis?.servers[0]?.latency).toBeGreaterThan(0);
  });

  it('says that copies are not vouched for and what has to be made up for, while Redis is away', async () => {
    await redis.kill();
    await eventually('the loss', () => cache.stats().state === 'lost');
    await cache.delete('k').catch(() => undefined);
    expect(await cache.healthCheck()).toMatchObject({
      healthy: false,
      closed: false,
      redis: { healthy: false, state: 'lost', error: { code: 'TIERCEL_CONNECTION' } },
      coherence: { armed: false },
      recovery: { pending: 1 },
    });
    await redis.restart();
    await eventually('the return', async () => {
      const { healthy, recovery } = await cache.healthCheck();
      return healthy && recovery?.pending === 0;
    });
  });

  it('tells which preloads run and which fail, and is well all the same', async () => {
    const goOn = new AbortController();
    let works = false;
    const fail = (what: string) => (): Array<[string, number]> => {
      if (!works) throw new Error(`no ${what}`);
      return [['k', 1]];
    };
    const first = cache.preload([
      { name: 'early', schedule: '300d', load: fail('early'), warmUp: true },
      {
        name: 'held',
        schedule: '300d',
        load: () => new Promise((resolve) => goOn.signal.addEventListener('abort', () => resolve([]))),
      },
    ]);
    await first.warmedUp();
    const late = cache
      .namespace('within')
      .preload([{ name: 'late', schedule: '300d', load: fail('late'), warmUp: true }]);
    await late.warmedUp();
    const began = late.status()[0]?.lastRunAt;
    expect(await cache.healthCheck()).toMatchObject({
      healthy: true,
      preloads: {
        patterns: 3,
        running: 1,
        failing: 2,
        lastError: { pattern: 'late', at: began, error: new Error('no late') },
      },
    });
    const strict = await serve(readinessHandler(cache, { requireHealthy: true }));
    expect(await ask(strict)).toMatchObject({
      code: 200,
      body: {
        status: 'ready',
        preloads: { failing: 2, lastError: { pattern: 'late', error: { message: 'no late' } } },
      },
    });

    works = true;
    goOn.abort();
    await Promise.all([first.runNow('early'), late.runNow()]);
    await eventually('the end of the other', () => first.status().every(({ state }) => state === 'idle'));
    expect((await cache.healthCheck()).preloads).toEqual({
      patterns: 3,
      running: 0,
      failing: 0,
      lastError: undefined,
    });
  });

  it('has nothing to say of parts that there are not', async () => {
    await using memoryOnly = createCache();
    expect(await memoryOnly.healthCheck()).toMatchObject({
      healthy: true,
      redis: undefined,
      coherence: undefined,
      recovery: undefined,
      writeBehind: undefined,
      preloads: undefined,
    });
    await using untold = createCache({ redis: redis.url, memory: false });
    await untold.ready();
    expect(await untold.healthCheck()).toMatchObject({
      healthy: true,
      memory: undefined,
      coherence: undefined,
    });
  });
});

describe('a readiness handler', () => {
  it('answers 200 with the state of every part', async () => {
    const url = await serve(readinessHandler(cache));
    const { code, body } = await ask(url);
    expect(code).toBe(200);
    expect(body).toMatchObject({ status: 'ready', healthy: true, coherence: { armed: true } });
  });

  it('stays ready without Redis, since the cache answers, unless it is told that this is not enough', async () => {
    const lenient = await serve(readinessHandler(cache));
    const strict = await serve(readinessHandler(cache, { requireHealthy: true }));
    expect((await ask(strict)).code).toBe(200);
    await redis.freeze();
    const degraded = await ask(lenient);
    expect(degraded.code).toBe(200);
    expect(degraded.body).toMatchObject({
      status: 'degraded',
      redis: { error: { code: expect.stringMatching(/^TIERCEL_/), message: expect.any(String) } },
    });
    expect((await ask(strict)).code).toBe(503);
    await redis.thaw();
    await eventually('the return', async () => (await ask(strict)).code === 200);
  });

  it('answers 503 once the cache is closed, and liveness too', async () => {
    const ready = await serve(readinessHandler(cache));
    const alive = await serve(livenessHandler(cache));
    await redis.kill();
    await eventually('the loss', () => cache.stats().state === 'lost');
    // A process is not to be restarted because Redis is away.
    expect(await ask(alive)).toEqual({ code: 200, body: { status: 'alive' } });
    await cache.close();
    expect(await ask(alive)).toEqual({ code: 503, body: { status: 'closed' } });
    expect(await ask(ready)).toMatchObject({ code: 503, body: { status: 'closed' } });
  });

  it('answers GET and HEAD, and nothing else', async () => {
    const url = await serve(readinessHandler(cache));
    const head = await fetch(url, { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
    expect((await fetch(url, { method: 'DELETE' })).status).toBe(405);
  });

  it('refuses what is no cache, and options that there are not', () => {
    expect(() => readinessHandler({} as never)).toThrow(/a cache/);
    expect(() => livenessHandler(5 as never)).toThrow(/a cache.*5/);
    expect(() => readinessHandler(cache, { requireRedis: true } as never)).toThrow(/requireRedis/);
  });
});
