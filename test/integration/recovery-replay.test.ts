import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { clearNamespace } from '../../src/client/clear-namespace.js';
import { encodeEntry, encodeMarker } from '../../src/codec/entry.js';
import { openPort } from '../../src/redis/open-port.js';
import type { RedisTimingOptions } from '../../src/redis/options.js';
import type { RedisPort } from '../../src/redis/port.js';
import { RecoveryLog } from '../../src/recovery/recovery-log.js';
import { PATIENT } from '../support/open-cache.js';
import { becomes } from '../support/port-state.js';
import { startRedis, type RedisServer } from '../support/redis.js';
import { sendingThrough } from '../support/sending-through.js';

const MARGIN = 1000;
const NAMESPACE = 'shop::';

const neverCleared = (): Promise<void> => Promise.reject(new Error('must not be called'));

describe('invalidations that could not reach Redis', () => {
  let server: RedisServer;
  const opened: RedisPort[] = [];

  beforeAll(async () => {
    server = await startRedis({ config: { appendonly: 'yes' } });
  });
  afterAll(() => server.stop());
  beforeEach(() => server.cli('FLUSHALL'));
  afterEach(async () => {
    for (const port of opened.splice(0)) await port.close();
  });

  async function open(timing: RedisTimingOptions = PATIENT): Promise<{ port: RedisPort; log: RecoveryLog }> {
    const port = openPort({ url: server.url, ...timing });
    opened.push(port);
    await port.connect();
    return { port, log: new RecoveryLog({ serverNow: () => port.serverNow(), capacity: 3000 }) };
  }

  const payload = Buffer.from('"value"');
  const entryOf = (createdAt: number): Buffer =>
    encodeEntry({ codec: 2, createdAt, freshFor: 60_000, cost: 5, tags: ['t'] }, payload);

  const store = (key: string, bytes: string | Buffer) => server.cli('SET', key, bytes);
  const exists = async (key: string): Promise<boolean> => (await server.cli('EXISTS', key)) === 1;

  it('take away what was stored before them, and leave what others stored since', async () => {
    const { port, log } = await open();
    const invalidatedAt = port.serverNow();
    for (const key of ['long before', 'just before', 'within the margin', 'since', 'untouched']) log.add(key);
    await store('long before', entryOf(invalidatedAt - 3_600_000));
    await store('just before', entryOf(invalidatedAt - 1));
    await store('within the margin', entryOf(invalidatedAt + MARGIN / 2));
    await store('since', entryOf(invalidatedAt + MARGIN + 5000));
    await store('another', entryOf(invalidatedAt - 1));
    expect(await log.replay(port, neverCleared)).toBe(true);
    expect(await exists('long before')).toBe(false);
    expect(await exists('just before')).toBe(false);
    expect(await exists('within the margin')).toBe(false);
    expect(await exists('since')).toBe(true);
    expect(await exists('another')).toBe(true);
    expect(log.empty).toBe(true);
  });

  it('compare the time of creation to the millisecond, in all of its six bytes', async () => {
    const { port } = await open();
    for (const limit of [1000, 65_535, 2 ** 24 - 1, 2 ** 32 - 1, 2 ** 32, 2 ** 40, 2 ** 47 + 12_345]) {
      const log = new RecoveryLog({
        serverNow: () => limit - MARGIN,
        clock: { monotonic: () => 0, wall: () => 0 },
      });
      log.add('same');
      log.add('later');
      await store('same', entryOf(limit));
      await store('later', entryOf(limit + 1));
      expect(await log.replay(port, neverCleared)).toBe(true);
      expect(await exists('same')).toBe(false);
      expect(await exists('later')).toBe(true);
    }
  });

  it('take away leases, so that a load under way cannot store what it found before', async () => {
    const { port, log } = await open();
    log.add('lease');
    await store('lease', encodeMarker({ createdAt: port.serverNow() + 60_000 }));
    expect(await log.replay(port, neverCleared)).toBe(true);
    expect(await exists('lease')).toBe(false);
  });

  it('take away whatever is no entry, of any type', async () => {
    const { port, log } = await open();
    const later = entryOf(port.serverNow() + 60_000);
    const newerFormat = Buffer.from(later);
    newerFormat[1] = 2;
    const strings = { text: 'text', empty: '', cut: later.subarray(0, 21), newerFormat };
    for (const [key, bytes] of Object.entries(strings)) await store(key, bytes);
    await server.cli('LPUSH', 'list', 'x');
    await server.cli('HSET', 'hash', 'f', 'x');
    const keys = [...Object.keys(strings), 'list', 'hash'];
    for (const key of keys) log.add(key);
    expect(await log.replay(port, neverCleared)).toBe(true);
    expect(await server.cli('EXISTS', ...keys)).toBe(0);
  });

  it('are kept while Redis does not answer, and carried out when it does', async () => {
    const { port, log } = await open({ commandTimeout: 250 });
    await store('user', entryOf(port.serverNow() - 10_000));
    await server.freeze();
    try {
      await port.send({ key: 'user', args: ['PING'] }).catch(() => undefined);
      expect(port.state).toBe('silent');
      // Refused without being sent: nothing of it waits in the socket of the frozen server.
      await expect(port.send({ key: 'user', args: ['UNLINK', 'user'] })).rejects.toMatchObject({
        code: 'TIERCEL_CONNECTION',
      });
      log.add('user');
      expect(await log.replay(port, neverCleared)).toBe(false);
      expect(log.isPending('user')).toBe(true);
      expect(log.failure).toMatchObject({ code: 'TIERCEL_CONNECTION' });
    } finally {
      await server.thaw();
    }
    await becomes(port, 'ready');
    expect(await exists('user')).toBe(true);
    expect(await log.replay(port, neverCleared)).toBe(true);
    expect(await exists('user')).toBe(false);
    expect(log.isPending('user')).toBe(false);
  });

  it('survive a Redis that falls silent in the middle of their replay', async () => {
    const { port, log } = await open({ commandTimeout: 250 });
    const keys = Array.from({ length: 2000 }, (_, i) => `k${i}`);
    const old = entryOf(port.serverNow() - 10_000);
    await port.sendAll(keys.map((key) => ({ key, args: ['SET', key, old] })));
    for (const key of keys) log.add(key);
    let asked = 0;
    let freezing: Promise<void> | undefined;
    const frozenHalfway = sendingThrough(port, async (command, deadline) => {
      if (asked++ === 1000) freezing = server.freeze();
      await freezing;
      return port.send(command, deadline);
    });
    try {
      expect(await log.replay(frozenHalfway, neverCleared)).toBe(false);
      expect(log.size).toBeGreaterThan(0);
      expect(log.size).toBeLessThan(keys.length);
    } finally {
      await server.thaw();
    }
    await becomes(port, 'ready');
    expect(await log.replay(port, neverCleared)).toBe(true);
    expect(await server.cli('DBSIZE')).toBe(0);
  });

  it('are carried out by a server that restarted with the old values and knows no scripts', async () => {
    const { port, log } = await open({ commandTimeout: '5s', retryDelay: { min: 20, max: 50 } });
    const keys = Array.from({ length: 1500 }, (_, i) => `k${i}`);
    const old = entryOf(port.serverNow() - 10_000);
    await port.sendAll(keys.map((key) => ({ key, args: ['SET', key, old] })));
    await server.kill();
    await becomes(port, 'lost');
    for (const key of keys) log.add(key);
    expect(await log.replay(port, neverCleared)).toBe(false);
    expect(log.size).toBe(keys.length);
    await server.restart();
    await becomes(port, 'ready');
    expect(await server.cli('DBSIZE')).toBe(keys.length);
    expect(await log.replay(port, neverCleared)).toBe(true);
    expect(await server.cli('DBSIZE')).toBe(0);
  });

  it('become one of the whole namespace when there are too many to keep', async () => {
    const { port, log } = await open();
    await store(`${NAMESPACE}invalidated`, entryOf(port.serverNow() - 10_000));
    await store(`${NAMESPACE}other`, entryOf(port.serverNow() - 10_000));
    await store('another::1', entryOf(port.serverNow() - 10_000));
    log.add(`${NAMESPACE}invalidated`);
    for (let i = 0; i < 3000; i++) log.add(`${NAMESPACE}${i}`);
    expect(log.overflowed).toBe(true);
    expect(log.isPending(`${NAMESPACE}never seen`)).toBe(true);
    let removed = 0;
    const clear = async (): Promise<void> => {
      removed = await clearNamespace(port, NAMESPACE);
    };
    expect(await log.replay(port, clear)).toBe(true);
    expect(removed).toBe(2);
    expect(await server.cli('KEYS', '*')).toEqual(['another::1']);
    expect(log.isPending(`${NAMESPACE}never seen`)).toBe(false);
  });

  it('of the whole namespace are kept too while Redis is gone', async () => {
    const { port, log } = await open({ commandTimeout: '5s', retryDelay: { min: 20, max: 50 } });
    await store(`${NAMESPACE}1`, entryOf(port.serverNow() - 10_000));
    await server.kill();
    await becomes(port, 'lost');
    for (let i = 0; i <= 3000; i++) log.add(`${NAMESPACE}${i}`);
    const clear = () => clearNamespace(port, NAMESPACE);
    expect(await log.replay(port, clear)).toBe(false);
    expect(log.overflowed).toBe(true);
    await server.restart();
    await becomes(port, 'ready');
    expect(await log.replay(port, clear)).toBe(true);
    expect(await server.cli('DBSIZE')).toBe(0);
  });
});
