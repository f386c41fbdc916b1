import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { clearNamespace } from '../../src/client/clear-namespace.js';
import { KeySpace } from '../../src/client/key-space.js';
import { openPort } from '../../src/redis/open-port.js';
import type { RedisPort } from '../../src/redis/port.js';
import { PATIENT } from '../support/open-cache.js';
import { startRedis, type RedisServer } from '../support/redis.js';
import { sendingThrough } from '../support/sending-through.js';

describe('clearing a namespace', () => {
  let server: RedisServer;
  let port: RedisPort;

  beforeAll(async () => {
    server = await startRedis();
    port = openPort({ url: server.url, ...PATIENT });
    await port.connect();
  });
  afterAll(async () => {
    await port.close();
    await server.stop();
  });
  beforeEach(() => server.cli('FLUSHALL'));

  const store = (...keys: ReadonlyArray<string | Buffer>) =>
    server.cli('MSET', ...keys.flatMap((key) => [key, 'x']));

  async function allKeys(): Promise<string[]> {
    return ((await server.cli('KEYS', '*')) as string[]).sort();
  }

  it('removes every key of it, however many, and says how many', async () => {
    await store(...Array.from({ length: 12_345 }, (_, i) => `shop::${i}`), 'other::1');
    expect(await clearNamespace(port, 'shop::')).toBe(12_345);
    expect(await allKeys()).toEqual(['other::1']);
  });

  it('finds nothing to do where there is nothing', async () => {
    expect(await clearNamespace(port, 'shop::')).toBe(0);
  });

  it('leaves namespaces beside it, within it and around it alone', async () => {
    const shop = KeySpace.of('shop');
    const others = [
      `${KeySpace.of('shops').prefix}1`,
      `${KeySpace.of('sho').prefix}1`,
      `${shop.within('eu').prefix}1`,
      `${KeySpace.of('my').within('shop').prefix}1`,
      'shop:1',
      'Shop::1',
      'shop',
    ];
    await store(`${shop.prefix}1`, ...others);
    expect(await clearNamespace(port, shop.prefix)).toBe(1);
    expect(await allKeys()).toEqual(others.sort());
  });

  it.each(['a*', 'a?', 'a[bc]', 'a[^b]', '[', ']', '\\', 'a\\*', '*', '?', '[a-c]', 'ä*', '100%', '^-'])(
    'takes the name %j as it is, and not as a pattern',
    async (name) => {
      const { prefix } = KeySpace.of(name);
      const others = ['ab::1', 'a::1', 'abc::1', 'b::1', 'a^::1', '::1', 'aä::1', '\\\\::1', 'a\\\\b::1'];
      await store(`${prefix}1`, `${prefix}${prefix}`, ...others);
      expect(await clearNamespace(port, prefix)).toBe(2);
      expect(await allKeys()).toEqual(others.sort());
    },
  );

  it('removes keys that are no text, and values of any type', async () => {
    await store(Buffer.from([...Buffer.from('shop::'), 0xff, 0x00, 0xfe]));
    await server.cli('LPUSH', 'shop::list', 'x');
    await server.cli('HSET', 'shop::hash', 'f', 'x');
    expect(await clearNamespace(port, 'shop::')).toBe(3);
    expect(await allKeys()).toEqual([]);
  });

  it('is not troubled by keys that vanish under it, and does not count them', async () => {
    await store(...Array.from({ length: 5000 }, (_, i) => `shop::${i}`));
    const vanishing = sendingThrough(port, async (command, deadline) => {
      if (command.args[0] === 'UNLINK') await server.cli('DEL', command.args[1] ?? '');
      return port.send(command, deadline);
    });
    const removed = await clearNamespace(vanishing, 'shop::');
    expect(removed).toBeLessThan(5000);
    expect(removed).toBeGreaterThan(4900);
    expect(await allKeys()).toEqual([]);
  });

  it('never asks for all keys at once', async () => {
    await store(...Array.from({ length: 3000 }, (_, i) => `shop::${i}`));
    await server.cli('CONFIG', 'RESETSTAT');
    await clearNamespace(port, 'shop::');
    const stats = String(await server.cli('INFO', 'commandstats'));
    expect(stats).not.toMatch(/cmdstat_keys:/);
    expect(Number(/cmdstat_scan:calls=(?<calls>\d+)/.exec(stats)?.groups?.['calls'])).toBeGreaterThan(2);
  });

  it('refuses bare keys, which may be those of other programs', async () => {
    await store('theirs');
    await expect(clearNamespace(port, '')).rejects.toMatchObject({ code: 'TIERCEL_INVALID_OPTION' });
    expect(await allKeys()).toEqual(['theirs']);
  });
});
