import { afterEach, describe, expect, it } from 'vitest';
import { createClient } from '@redis/client';
import { createCache, type CacheManager, type CacheOptions } from 'tiercel';
import { eventually } from '../support/eventually.js';
import { MemoryLogger } from '../support/memory-logger.js';
import { startRedis, type RedisServer } from '../support/redis.js';

/** One network hop, on a machine that may be busy with other things. */
const HOP = 250;

const gone = (cache: CacheManager, key = 'k'): Promise<unknown> =>
  eventually('the copy is gone', () => cache.peek(key) === undefined, HOP);

describe('P3 bounded staleness', () => {
  const closers: Array<() => Promise<unknown>> = [];
  afterEach(async () => {
    for (const close of closers.splice(0).toReversed()) await close();
  });

  async function start(config: Record<string, string> = {}): Promise<RedisServer> {
    const server = await startRedis({ config });
    closers.push(() => server.stop());
    return server;
  }

  async function open(server: RedisServer, options: CacheOptions = {}): Promise<CacheManager> {
    const redis = { url: server.url, commandTimeout: '2s' } as const;
    const cache = createCache({ redis, namespace: 'shop', ...options });
    closers.push(() => cache.close());
    await cache.ready();
    return cache;
  }

  describe.each(['tracking', 'broadcast'] as const)('by %s', (coherence) => {
    it.each([
      ['SET', ['SET', 'shop::k', 'something else']],
      ['DEL', ['DEL', 'shop::k']],
      ['an expiry that is brought forward', ['PEXPIRE', 'shop::k', '1']],
      ['RENAME', ['RENAME', 'shop::k', 'elsewhere']],
      ['FLUSHALL', ['FLUSHALL']],
      ['FLUSHDB', ['FLUSHDB']],
    ])('a copy goes one hop after %s by anyone', async (_, command) => {
      const server = await start();
      const cache = await open(server, { coherence });
      await cache.set('k', 'v');
      await cache.get('k');
      expect(cache.peek('k')).toBe('v');
      await server.cli(...command);
      if (command[0] === 'PEXPIRE') {
        // Redis tells of the expiry when it notices it, at the latest when anyone asks.
        await eventually(
          'the expiry',
          async () => (await server.cli('EXISTS', 'shop::k')) === 0 || undefined,
        );
      }
      await gone(cache);
    });

    it('a copy goes when another process writes the key, and the new value is kept', async () => {
      const server = await start();
      const [here, there] = await Promise.all([open(server, { coherence }), open(server, { coherence })]);
      for (const value of ['one', 'two', 'three']) {
        await there.set('k', value);
        // News of the very value that was read may still be on their way, and cost that copy.
        await eventually(
          'the new value',
          async () => (await here.get('k')) === value && here.peek('k') === value,
          HOP,
        );
      }
    });

    it('no old copy is left, however writes and reads interleave', async () => {
      const server = await start();
      const [here, there] = await Promise.all([open(server, { coherence }), open(server, { coherence })]);
      let written = 0;
      const writer = (async () => {
        for (written = 1; written < 1500; written++) await there.set('k', written);
      })();
      const writing = { goesOn: true };
      void writer.finally(() => (writing.goesOn = false));
      const readers = Array.from({ length: 8 }, async () => {
        while (writing.goesOn) {
          const before = written;
          const seen = (await here.get<number>('k')) ?? before;
          expect(seen).toBeGreaterThanOrEqual(before - 200); // never a copy of long ago
          await new Promise((resolve) => setImmediate(resolve)); // a copy answers within the turn
        }
      });
      await Promise.all([writer, ...readers]);
      await eventually('the last value', async () => (await here.get('k')) === written - 1 || undefined, HOP);
      expect(here.peek('k')).toBe(written - 1);
    });
  });

  it.each(['a URL', 'three connections', 'a client made to tell'])(
    'costs hits, never truth, when the server’s table of tracked keys overflows, over %s',
    async (way) => {
      const server = await start({ 'tracking-table-max-keys': '1' });
      const client = createClient({ url: server.url, RESP: 3, emitInvalidate: true });
      client.on('error', () => undefined);
      await client.connect();
      closers.push(async () => client.destroy());
      const redis =
        way === 'a client made to tell'
          ? { client }
          : { url: server.url, connections: way === 'a URL' ? 1 : 3 };
      const [here, there] = [await open(server, { redis }), await open(server)];
      const keys = Array.from({ length: 20 }, (_, i) => `k${i}`);
      await there.setMany(keys.map((key) => [key, 'old']));
      for (let round = 0; round < 3; round++) await here.getMany(keys);
      await there.setMany(keys.map((key) => [key, 'new']));
      await eventually('no old copy', () => keys.every((key) => here.peek(key) !== 'old'), HOP);
      expect([...(await here.getMany(keys)).values()]).toEqual(keys.map(() => 'new'));
    },
  );

  // Read one at a time: each read then makes the server forget a key that the same connection has read.
  it.each([1, 3])(
    'costs hits, never truth, when the server’s table of tracked keys overflows at our own command, over %i connections',
    async (connections) => {
      const server = await start({ 'tracking-table-max-keys': '1' });
      const redis = { url: server.url, connections };
      const [here, there] = [await open(server, { redis }), await open(server)];
      const keys = Array.from({ length: 20 }, (_, i) => `k${i}`);
      await there.setMany(keys.map((key) => [key, 'old']));
      for (let round = 0; round < 3; round++) for (const key of keys) await here.get(key);
      await there.setMany(keys.map((key) => [key, 'new']));
      await eventually('no old copy', () => keys.every((key) => here.peek(key) !== 'old'), HOP);
      expect([...(await here.getMany(keys)).values()]).toEqual(keys.map(() => 'new'));
    },
  );

  it('keeps no copy of what the server evicted at our own command', async () => {
    const server = await start({ maxmemory: '4mb', 'maxmemory-policy': 'allkeys-random' });
    const [here, there] = [await open(server), await open(server)];
    const value = 'x'.repeat(10_000);
    const keys = Array.from({ length: 1000 }, (_, i) => `k${i}`);
    // One at a time: each write makes room for itself, and of whatever has to go for it this connection alone has a copy.
    for (const key of keys) await here.set(key, value);
    const evicted = Number(/^evicted_keys:(\d+)/m.exec(String(await server.cli('INFO', 'stats')))?.[1]);
    expect(evicted).toBeGreaterThan(500);
    // Whoever has a copy of a key that is gone is told of nothing that is done to it.
    await eventually('no copy of what is gone', async () => {
      const held = keys.filter((key) => here.peek(key) !== undefined);
      return (await there.getMany(held)).size === held.length;
    });
  });

  it('serves copies for maxStaleWhenDisconnected after the last sign of life, and no longer', async () => {
    const server = await start();
    const cache = await open(server, {
      maxStaleWhenDisconnected: 600,
      redis: { url: server.url, commandTimeout: 100 },
    });
    await cache.set('k', 'v', { ttl: '1h' });
    await server.freeze();
    const began = performance.now();
    expect(cache.peek('k')).toBe('v');
    await eventually('the copy is gone', () => cache.peek('k') === undefined, 2000);
    const took = performance.now() - began;
    expect(took).toBeLessThan(600 + HOP);
    await server.thaw();
  });

  it('keeps no copy over a new connection, since what happened in between is never told', async () => {
    const server = await start();
    const cache = await open(server, { maxStaleWhenDisconnected: '1h' });
    await cache.set('k', 'old', { ttl: '1h' });
    await server.cli('CLIENT', 'PAUSE', '300', 'WRITE');
    const before = cache.stats().counters.invalidationsReceived;
    await server.cli('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    await server.cli('CLIENT', 'UNPAUSE');
    await server.cli('SET', 'shop::k', 'somebody else’s');
    await eventually('the copy is gone', () => cache.peek('k') === undefined, 2000);
    await eventually('the connection', async () => (await cache.healthCheck()).healthy);
    expect(cache.peek('k')).toBeUndefined();
    expect(cache.stats().counters.invalidationsReceived).toBe(before);
  });

  it('listens from the first read of every connection on', async () => {
    const server = await start();
    const cache = await open(server);
    await cache.set('k', 1);
    for (let round = 0; round < 5; round++) {
      await server.cli('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
      // The very first read of the new connection must be told of the change right behind it.
      await eventually('a read from Redis', async () => {
        const entry = await cache.getEntry('k');
        return entry !== undefined && (await cache.healthCheck()).healthy ? true : undefined;
      });
      await eventually(
        'a copy',
        async () => (await cache.get('k')) !== undefined && cache.peek('k') !== undefined,
      );
      await server.cli('PEXPIRE', 'shop::k', '600000');
      await gone(cache);
    }
  });

  it('with coherence none, a copy stays until its time is over', async () => {
    const server = await start();
    const cache = await open(server, { coherence: 'none' });
    await cache.set('k', 'v', { ttl: '1h', memory: '300ms' });
    await server.cli('DEL', 'shop::k');
    await cache.get('other');
    expect(cache.peek('k')).toBe('v');
    await eventually('the end of its time', () => cache.peek('k') === undefined, 1000);
  });

  it('listens on a client of the application that was made to tell', async () => {
    const server = await start();
    const client = createClient({ url: server.url, RESP: 3, emitInvalidate: true });
    client.on('error', () => undefined);
    await client.connect();
    closers.push(async () => client.destroy());
    const cache = await open(server, { redis: { client } });
    await server.cli('SET', 'x', '1');
    const there = await open(server);
    await there.set('k', 'old');
    expect(await cache.get('k')).toBe('old');
    expect(cache.peek('k')).toBe('old');
    await there.set('k', 'new');
    await gone(cache);
    expect(await cache.get('k')).toBe('new');
    // The application's own writes through its client are changes like all others.
    await client.del('shop::k');
    await gone(cache);
  });

  it('a client that can listen nowhere keeps nothing in memory, and says so', async () => {
    const server = await start();
    const real = createClient({ url: server.url });
    real.on('error', () => undefined);
    await real.connect();
    closers.push(async () => real.destroy());
    // As one that wraps another: of what the cache uses it lacks the means to open a connection of its own.
    const client = Object.create(real, { duplicate: { value: undefined } }) as object;
    const logger = new MemoryLogger();
    const cache = await open(server, { redis: { client }, logger });
    await cache.set('k', 'v');
    await cache.get('k');
    expect(cache.peek('k')).toBeUndefined();
    expect(logger.text).toMatch(/nothing is kept in memory/);
    expect(() => createCache({ redis: { client }, memory: {} })).toThrow(/cannot tell of keys that change/);
    expect(() => createCache({ redis: { client }, coherence: 'pubsub' })).toThrow(/cannot tell/);
  });
});
