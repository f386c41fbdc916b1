import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CacheClient, createCache } from 'tiercel';
import { collectGarbage } from '../support/collect-garbage.js';
import { closedLoop } from '../support/closed-loop.js';
import { eventually } from '../support/eventually.js';
import { FakeRedis } from '../support/fake-redis.js';
import { startRedis, type RedisServer } from '../support/redis.js';
import { FaultProxy } from 'tiercel/testing';

/** What a call may take beyond its deadline on a busy machine. */
const SLACK = 450;

/** What is held by buffers, and not merely left for the collector. */
function externalMemory(): number {
  collectGarbage();
  return process.memoryUsage().external;
}

describe('the links to Redis', () => {
  let server: RedisServer;
  const closers: Array<() => unknown> = [];

  beforeEach(async () => {
    server = await startRedis();
    closers.push(() => server.stop());
  });
  afterEach(async () => {
    for (const close of closers.splice(0).toReversed()) await close();
  });

  const connected = async (name: string): Promise<number> =>
    String(await server.cli('CLIENT', 'LIST'))
      .split('\n')
      .filter((line) => line.includes(` name=${name} `)).length;

  it('beyond the first are opened when a key needs them, and closed when idle', async () => {
    const client = await CacheClient.connect({
      url: server.url,
      name: 'pool',
      connections: 4,
      idleTimeout: 100,
      commandTimeout: '2s',
    });
    closers.push(() => client.close());
    expect(await connected('pool')).toBe(1);

    const keys = Array.from({ length: 100 }, (_, i) => `k${i}`);
    await client.setMany(keys.map((key) => [key, key]));
    expect(await connected('pool')).toBe(4);
    await eventually('the idle links to close', async () => (await connected('pool')) === 1);

    expect(await client.getMany(keys)).toEqual(new Map(keys.map((key) => [key, key])));
    expect(await connected('pool')).toBe(4);
  });

  it('all end with the client', async () => {
    const client = await CacheClient.connect({
      url: server.url,
      name: 'pool',
      connections: 3,
      commandTimeout: '2s',
    });
    await client.setMany(Array.from({ length: 50 }, (_, i) => [`k${i}`, i]));
    expect(await connected('pool')).toBe(3);
    await client.close();
    await eventually('no link', async () => (await connected('pool')) === 0);
  });

  it('that go dead without a word are replaced, and nobody waits longer than a deadline', async () => {
    const proxy = await FaultProxy.to(server.port);
    closers.push(() => proxy.close());
    const cache = createCache({ redis: proxy.url, memory: false });
    closers.push(() => cache.close());
    await cache.ready();
    await cache.set('k', 'from Redis', { ttl: '1h' });

    const loop = closedLoop(10, (caller, turn) => cache.getOrSet(`${caller}:${turn % 20}`, async () => 1));
    proxy.blackHole();
    const began = performance.now();
    await eventually('a read from Redis', async () => (await cache.get('k')) === 'from Redis', 4000);
    const took = performance.now() - began;
    const report = await loop.stop();

    expect(took).toBeLessThan(2500);
    expect(proxy.accepted).toBe(2);
    expect(report.failures).toEqual([]);
    expect(report.worst).toBeLessThan(250 + SLACK);
    await cache.set('k', 'and writes');
    expect(await server.cli('DBSIZE')).toBeGreaterThan(0);
  });

  it('that are quiet are found dead by their heartbeat, before a caller pays for it', async () => {
    const proxy = await FaultProxy.to(server.port);
    closers.push(() => proxy.close());
    const cache = createCache({ redis: { url: proxy.url, heartbeatInterval: 50, commandTimeout: 100 } });
    closers.push(() => cache.close());
    await cache.ready();
    proxy.blackHole();
    await eventually('another connection', () => proxy.accepted === 2, 4000);
    await eventually('health', async () => (await cache.healthCheck()).healthy);
  });

  it('take no more commands than are bounded, answer the others at once, and forget none of them', async () => {
    // Answers nothing but the greeting until told to.
    let hold = true;
    const held: Array<() => void> = [];
    const fake = await FakeRedis.start((command, socket) => {
      const reply = command[0] === 'set' ? '+OK\r\n' : '$-1\r\n';
      if (!hold) return reply;
      held.push(() => void socket.write(reply));
      return undefined;
    });
    closers.push(() => fake.close());
    const client = await CacheClient.connect({ url: fake.url, maxInFlight: 100, commandTimeout: '5s' });
    closers.push(() => client.close());

    const outcomes: unknown[] = [];
    const writes = Array.from({ length: 1000 }, (_, i) =>
      client.set(`k${i}`, 'x').then(
        () => outcomes.push('OK'),
        (error: unknown) => outcomes.push(error),
      ),
    );
    await eventually('the refusals', () => outcomes.length === 900);
    for (const outcome of outcomes)
      expect(outcome).toMatchObject({ code: 'TIERCEL_OVERLOADED', operation: 'set' });
    await eventually('the others', () => held.length === 100);
    hold = false;
    for (const reply of held) reply();
    await Promise.all(writes);
    expect(outcomes.filter((outcome) => outcome === 'OK')).toHaveLength(100);
    // Room is made again by the answers.
    await client.set('more', 1);
  });

  it('take no more callers before the first connection than are bounded', async () => {
    const silent = createServer();
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    closers.push(() => silent.close());
    const { port } = silent.address() as AddressInfo;
    const cache = createCache({
      redis: { host: '127.0.0.1', port, maxInFlight: 10, connectTimeout: 2000 },
      memory: false,
    });
    closers.push(() => cache.close());
    const outcomes = await Promise.all(
      Array.from({ length: 100 }, (_, i) => cache.set(`k${i}`, 1).catch((error: unknown) => error)),
    );
    const codes = outcomes.map((error) => (error as { code?: string }).code);
    expect(codes.filter((code) => code === 'TIERCEL_OVERLOADED')).toHaveLength(90);
    expect(codes.filter((code) => code === 'TIERCEL_CONNECTION' || code === 'TIERCEL_DEADLINE')).toHaveLength(
      10,
    );
  });

  it('keep memory bounded while Redis is silent and callers go on asking', async () => {
    const client = await CacheClient.connect({ url: server.url, maxInFlight: 500 });
    closers.push(() => client.close());
    const value = 'x'.repeat(10_000);
    await server.freeze();
    const before = externalMemory();
    // 400 MB in all, if everything were kept.
    const refusals = new Set<unknown>();
    for (let round = 0; round < 40; round++) {
      await Promise.all(
        Array.from({ length: 1000 }, (_, i) =>
          client.set(`${round}:${i}`, value).catch((error: unknown) => {
            refusals.add((error as { code: string }).code);
          }),
        ),
      );
    }
    // Memory of buffers is given back beside the thread that collects.
    await eventually('bounded memory', () => externalMemory() - before < 30_000_000);
    expect(refusals).toEqual(new Set(['TIERCEL_CONNECTION', 'TIERCEL_DEADLINE', 'TIERCEL_OVERLOADED']));
    await server.thaw();
    await eventually('the return', async () => (await client.healthCheck()).healthy);
  });
});
