import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { CacheClient, createCache, type CacheManager } from 'tiercel';
import { closedLoop, type ClosedLoop } from '../support/closed-loop.js';
import { waysToRedis, type WayToRedis } from '../support/clients.js';
import { eventually } from '../support/eventually.js';
import { FakeRedis } from '../support/fake-redis.js';
import { Opened, PATIENT } from '../support/open-cache.js';
import { startRedis, type RedisServer } from '../support/redis.js';
import { unhandledRejections } from '../support/unhandled-rejections.js';

const DEADLINE = 250;
/** On a busy machine a call may take this much longer than its deadline. */
const SLACK = 450;
const CALLERS = 50;

let runs = 0;

/**
 * Callers of a few hot keys and of many others, each with a loader that works. The keys are of this traffic alone: a cache that
 * was closed in the middle of a fault leaves leases behind, and one of those may be waited out.
 */
function traffic(cache: CacheManager): ClosedLoop {
  const run = runs++;
  let unique = 0;
  return closedLoop(CALLERS, async (caller, turn) => {
    const key = caller % 5 === 0 ? `cold:${run}:${unique++}` : `hot:${run}:${turn % 20}`;
    const value = await cache.getOrSet(key, async () => ({ key }));
    // A wrong value would be worse than none.
    if (value.key !== key) throw new Error(`asked for ${key} and was given ${JSON.stringify(value)}`);
  });
}

const goesOn = async (loop: ClosedLoop, calls: number): Promise<void> => {
  const before = loop.calls;
  await eventually(`${calls} more calls`, () => loop.calls >= before + calls);
};

/** Runs traffic while `fault` happens; then everything must have gone well for every caller. */
async function underTraffic(cache: CacheManager, fault: (loop: ClosedLoop) => Promise<void>): Promise<void> {
  const unhandled = await unhandledRejections(async () => {
    const loop = traffic(cache);
    await goesOn(loop, 200);
    await fault(loop);
    await goesOn(loop, 200);
    const { worst, failures } = await loop.stop();
    expect(failures).toEqual([]);
    expect(worst).toBeLessThan(DEADLINE + SLACK);
  });
  expect(unhandled).toEqual([]);
}

describe('P5 the cache is not the app: getOrSet never fails while the loader works', () => {
  const opened = new Opened();
  let server: RedisServer;

  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.stop());
  afterEach(() => opened.close());

  /** What another process has just stored is seen within a second: so it was read from Redis. */
  async function readsAgain(cache: CacheManager): Promise<void> {
    const began = performance.now();
    const other = await CacheClient.connect({ url: server.url, ...PATIENT });
    try {
      const probe = `probe:${began}`;
      await other.set(probe, 'theirs');
      await eventually('a hit', async () => (await cache.get(probe)) === 'theirs', 3000);
      expect(performance.now() - began).toBeLessThan(1000);
    } finally {
      await other.close();
    }
  }

  describe.each(waysToRedis)('over $name', (way: WayToRedis) => {
    it('while Redis is killed and comes back', async () => {
      const cache = await opened.cache(way, server.url, {}, {});
      await underTraffic(cache, async (loop) => {
        await server.kill();
        await goesOn(loop, 500);
        await server.restart();
        await readsAgain(cache);
      });
    });

    it('while Redis is stopped and goes on', async () => {
      const cache = await opened.cache(way, server.url, {}, {});
      await underTraffic(cache, async (loop) => {
        await server.freeze();
        await eventually('silence', () => cache.stats().state === 'silent');
        await goesOn(loop, 500);
        await server.thaw();
        await readsAgain(cache);
      });
    });

    it('while Redis is full, and tells the truth about writes', async () => {
      const cache = await opened.cache(way, server.url, {}, {});
      await cache.set('before', 1);
      await underTraffic(cache, async (loop) => {
        await server.cli('CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
        await server.cli('CONFIG', 'SET', 'maxmemory', '1');
        const full = { code: 'TIERCEL_SERVER', message: expect.stringContaining('OOM') };
        await expect(cache.set('k', 1)).rejects.toMatchObject({ ...full, operation: 'set', key: 'k' });
        const many = cache.setMany([
          ['a', 1],
          ['b', 2],
        ]);
        await expect(many).rejects.toMatchObject({ code: 'TIERCEL_BULK' });
        const { failures } = (await many.catch((error: unknown) => error)) as {
          failures: Map<string, unknown>;
        };
        expect(failures.get('a')).toMatchObject({ ...full, key: 'a' });
        expect(failures.get('b')).toMatchObject({ ...full, key: 'b' });
        expect(await server.cli('EXISTS', 'tiercel::k', 'tiercel::a', 'tiercel::b')).toBe(0);
        // Reads and deletes need no memory.
        expect(await cache.get('before')).toBe(1);
        expect(await cache.delete('before')).toBe(true);
        await goesOn(loop, 500);
        await server.cli('CONFIG', 'SET', 'maxmemory', '0');
        await cache.set('k', 1);
        await readsAgain(cache);
      });
    });

    it('while its connections are cut again and again', async () => {
      const cache = await opened.cache(way, server.url, {}, {});
      await underTraffic(cache, async (loop) => {
        for (let i = 0; i < 5; i++) {
          await server.cli('CLIENT', 'KILL', 'TYPE', 'normal');
          await goesOn(loop, 100);
        }
        await readsAgain(cache);
      });
    });
  });

  it('while Redis is gone for so long that attempts to connect have become rare', async () => {
    const cache = createCache({ redis: { url: server.url, retryDelay: { min: '10m', max: '10m' } } });
    opened.add(() => cache.close());
    await cache.ready();
    await underTraffic(cache, async (loop) => {
      await server.kill();
      await eventually('the loss', () => cache.stats().state === 'lost');
      await goesOn(loop, 500);
      await server.restart();
      await readsAgain(cache);
    });
  });

  it('while Redis is started after the application', async () => {
    await server.kill();
    const cache = createCache({ redis: { url: server.url } });
    opened.add(() => cache.close());
    await underTraffic(cache, async (loop) => {
      await goesOn(loop, 500);
      await server.restart();
      await readsAgain(cache);
    });
  });

  it.each<[what: string, reply: string, then: 'goes on' | 'hangs up']>([
    ['answers with what is no protocol', '?!garbage\r\n', 'goes on'],
    ['answers with binary noise', '\u0000\u0001\u00ff\u00fe\r\n\r\n', 'goes on'],
    ['answers as a web server', 'HTTP/1.1 400 Bad Request\r\n\r\n', 'hangs up'],
    ['answers numbers', ':5\r\n', 'goes on'],
    ['answers empty lists', '*0\r\n', 'goes on'],
    ['answers nulls within lists', '*1\r\n$-1\r\n', 'goes on'],
    ['answers OK to everything', '+OK\r\n', 'goes on'],
    ['answers text that is no entry', '$5\r\nhello\r\n', 'goes on'],
    ['answers a length that is none', '$abc\r\n', 'goes on'],
    ['answers twice', ':1\r\n:2\r\n', 'goes on'],
    ['pushes what nobody asked for', '>2\r\n$7\r\nnothing\r\n$2\r\nxx\r\n:5\r\n', 'goes on'],
    ['is loading its data', '-LOADING Redis is loading the dataset in memory\r\n', 'goes on'],
    ['is busy with a script', '-BUSY Redis is busy running a script\r\n', 'goes on'],
    ['closes in the middle of an answer', '$1000\r\nabc', 'hangs up'],
    ['closes without an answer', '', 'hangs up'],
  ])('with a server that %s', async (_, reply, then) => {
    const fake = await FakeRedis.start((_command, socket) => {
      if (then === 'hangs up') socket.end(reply, 'latin1');
      return then === 'hangs up' ? undefined : reply;
    });
    opened.add(() => fake.close());
    const cache = createCache({ redis: { url: fake.url, retryDelay: { min: 5, max: 50 } } });
    opened.add(() => cache.close());
    await cache.ready();
    await underTraffic(cache, async (loop) => {
      // Nothing that Redis confirmed in no way is called done. (`+OK` is a confirmation of a write, though not of a delete.)
      if (reply !== '+OK\r\n') await expect(cache.set('k', 1)).rejects.toThrow();
      expect(await cache.delete('k').catch(() => false)).toBe(false);
      expect(await cache.get('k')).toBeUndefined();
      expect(await cache.getMany(['k', 'l'])).toEqual(new Map());
      await goesOn(loop, 200);
    });
  });

  describe('explicit writes and deletes never say done for what did not happen', () => {
    const calls: ReadonlyArray<[name: string, call: (cache: CacheManager) => Promise<unknown>]> = [
      ['set', (cache) => cache.set('k', 'new')],
      [
        'setMany',
        (cache) =>
          cache.setMany([
            ['k', 'new'],
            ['l', 'new'],
          ]),
      ],
      ['delete', (cache) => cache.delete('k')],
      ['deleteMany', (cache) => cache.deleteMany(['k', 'l'])],
      ['expire', (cache) => cache.expire('k', '2h')],
    ];

    it.each(calls)(
      '%s rejects while Redis is stopped, at its deadline and then at once',
      async (name, call) => {
        const cache = createCache({ redis: server.url });
        opened.add(() => cache.close());
        await cache.ready();
        await server.freeze();
        try {
          await expect(call(cache)).rejects.toThrow();
          await eventually('silence', () => cache.stats().state === 'silent');
          const began = performance.now();
          await expect(call(cache)).rejects.toMatchObject({ operation: name });
          expect(performance.now() - began).toBeLessThan(100);
        } finally {
          await server.thaw();
        }
      },
    );

    it.each(calls)('%s rejects while Redis is gone', async (name, call) => {
      const cache = createCache({ redis: server.url });
      opened.add(() => cache.close());
      await cache.ready();
      await server.kill();
      try {
        await eventually('the loss', () => cache.stats().state === 'lost');
        const error: unknown = await call(cache).catch((thrown: unknown) => thrown);
        expect(error).toMatchObject({ operation: name });
        const failures = (error as { failures?: Map<string, unknown> }).failures ?? new Map([['k', error]]);
        for (const [key, failure] of failures)
          expect(failure).toMatchObject({ code: 'TIERCEL_CONNECTION', key });
      } finally {
        await server.restart();
      }
    });
  });

  it('hands through what the loader throws, and only that, while Redis is gone', async () => {
    const cache = createCache({ redis: server.url });
    opened.add(() => cache.close());
    await cache.ready();
    await server.kill();
    try {
      const error = new Error('the database is down too');
      await expect(cache.getOrSet('k', async () => Promise.reject(error))).rejects.toBe(error);
    } finally {
      await server.restart();
    }
  });
});
