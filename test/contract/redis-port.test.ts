import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openPort } from '../../src/redis/open-port.js';
import type { CacheError } from '../../src/errors.js';
import type { PortState, RedisPort, Reply } from '../../src/redis/port.js';
import type { RedisTimingOptions } from '../../src/redis/options.js';
import { waysToCluster, waysToRedis, type WayToRedis } from '../support/clients.js';
import { PacedClock } from '../support/paced-clock.js';
import { becomes } from '../support/port-state.js';
import { serversOf, type Servers } from '../support/servers-of.js';

const set = (port: RedisPort, key: string, value: string | Buffer) =>
  port.send({ key, args: ['SET', key, value] });
/** Clients differ in whether a simple string comes as text. */
const text = (reply: Reply | CacheError): string =>
  Buffer.isBuffer(reply) ? reply.toString() : (reply as string);

const DEADLINE = 250;
/** What a call may take beyond its deadline on a busy machine with two cores. */
const SLACK = 200;
/** What a call may take that waits for nobody, by the clock that does not count what the machine does for others. */
const AT_ONCE = 50;

describe.each([...waysToRedis, ...waysToCluster])('a port over $name', (way: WayToRedis) => {
  let servers: Servers;
  const clock = new PacedClock();
  const opened: Array<() => Promise<void>> = [];

  beforeAll(async () => {
    servers = await serversOf(way);
  });
  afterAll(() => {
    clock.stop();
    return servers.stop();
  });
  afterEach(async () => {
    for (const close of opened.splice(0)) await close();
  });

  async function open(timing?: RedisTimingOptions): Promise<RedisPort> {
    const { redis, end } = await way.open(servers.url, timing);
    const port = openPort(redis);
    opened.push(async () => {
      await port.close();
      end();
    });
    await port.connect();
    return port;
  }

  it('carries bytes both ways unchanged', async () => {
    const port = await open();
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
    await set(port, 'bytes', bytes);
    expect(await port.get('bytes')).toEqual(bytes);
    expect(await port.get('nothing')).toBeNull();
  });

  it('answers many reads of one turn in the order asked, with one command', async () => {
    const port = await open();
    await Promise.all(['a', 'b', 'c'].map((key) => set(port, `{many}:${key}`, key)));
    await servers.cli('CONFIG', 'RESETSTAT');
    const [many, a, again] = await Promise.all([
      port.getMany(['{many}:c', '{many}:x', '{many}:a', '{many}:b']),
      port.get('{many}:a'),
      port.get('{many}:a'),
    ]);
    expect(many.map(String)).toEqual(['c', 'null', 'a', 'b']);
    expect(String(a)).toBe('a');
    expect(String(again)).toBe('a');
    const stats = (await servers.cli('INFO', 'commandstats')).join();
    // Elsewhere each of them has one.
    if (way.name !== 'three connections' && way.name !== 'three shards') {
      expect(stats).toMatch(/cmdstat_mget:calls=1,/);
      expect(stats).not.toMatch(/cmdstat_get:/);
    }
  });

  it('keeps the order of one key’s commands', async () => {
    const port = await open();
    const sets = Array.from({ length: 100 }, (_, i) => set(port, 'order', String(i)));
    const last = port.send({ key: 'order', args: ['GET', 'order'] });
    await Promise.all(sets);
    expect(text(await last)).toBe('99');
  });

  it('puts each command’s own error in its place', async () => {
    const port = await open();
    const [ok, wrong, after] = await port.sendAll([
      { key: 'one', args: ['SET', 'one', '1'] },
      { key: 'one', args: ['LPUSH', 'one', 'x'] },
      { key: 'one', args: ['GET', 'one'] },
    ]);
    expect(text(ok)).toBe('OK');
    expect(wrong).toMatchObject({ code: 'TIERCEL_SERVER', message: expect.stringContaining('WRONGTYPE') });
    expect(text(after)).toBe('1');
  });

  it('knows the server’s time and is never ahead of it', async () => {
    const port = await open();
    const before = port.serverNow();
    const times = (await servers.cli('TIME')) as Array<[seconds: string, micros: string]>;
    const serverMs = Math.min(
      ...times.map(([seconds, micros]) => Number(seconds) * 1000 + Number(micros) / 1000),
    );
    expect(before).toBeLessThanOrEqual(serverMs);
    expect(serverMs - before).toBeLessThan(1000);
  });

  it('settles every call by the deadline when the server accepts commands and never answers', async () => {
    const port = await open();
    const keys = Array.from({ length: 50 }, (_, i) => `frozen:${i}`);
    await port.getMany(keys);
    await servers.freeze();
    try {
      const began = performance.now();
      const outcomes = await Promise.all([
        ...keys.map((key) => port.get(key).catch((error: unknown) => error)),
        port.send({ key: 'a', args: ['INCR', 'a'] }).catch((error: unknown) => error),
      ]);
      const took = performance.now() - began;
      for (const outcome of outcomes) expect(outcome).toMatchObject({ code: 'TIERCEL_DEADLINE' });
      expect(took).toBeGreaterThan(DEADLINE - 20);
      expect(took).toBeLessThan(DEADLINE + SLACK);
      expect(port.state).toBe<PortState>('silent');
      // From here on nobody pays the deadline again.
      const next = clock.now();
      await expect(port.get('frozen:next')).rejects.toMatchObject({ code: 'TIERCEL_CONNECTION' });
      expect(clock.now() - next).toBeLessThan(AT_ONCE);
    } finally {
      await servers.thaw();
    }
    await becomes(port, 'ready');
    expect(await port.get('nothing')).toBeNull();
  });

  it('fails at once while the server is gone, and serves again when it is back', async () => {
    const port = await open();
    await servers.kill();
    await becomes(port, 'lost');
    try {
      const began = clock.now();
      await expect(port.get('gone')).rejects.toMatchObject({ code: 'TIERCEL_CONNECTION' });
      expect(clock.now() - began).toBeLessThan(AT_ONCE);
    } finally {
      await servers.restart();
    }
    await becomes(port, 'ready');
    await set(port, 'back', 'yes');
    expect(String(await port.get('back'))).toBe('yes');
  });

  it('refuses a command rather than queue it when too many wait already', async () => {
    const port = await open({ maxInFlight: 10 });
    await servers.freeze();
    try {
      const waiting = Array.from({ length: 10 }, (_, i) =>
        port.send({ key: 'same', args: ['INCRBY', 'same', String(i)] }).catch((error: unknown) => error),
      );
      await expect(port.send({ key: 'same', args: ['INCR', 'same'] })).rejects.toMatchObject({
        code: 'TIERCEL_OVERLOADED',
      });
      await Promise.all(waiting);
    } finally {
      await servers.thaw();
    }
  });

  it('refuses everything once it is closed', async () => {
    const port = await open();
    await port.close();
    await expect(port.get('a')).rejects.toMatchObject({ code: 'TIERCEL_CLOSED' });
    await expect(port.connect()).rejects.toMatchObject({ code: 'TIERCEL_CLOSED' });
  });

  it('lets what is under way end before it closes', async () => {
    const port = await open();
    const under = Array.from({ length: 100 }, (_, i) => set(port, `closing:${i}`, 'x'));
    const closed = port.close();
    const replies = await Promise.all(under);
    await closed;
    expect(replies.every((reply) => text(reply) === 'OK')).toBe(true);
  });
});
