import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createCache } from 'tiercel';
import { FaultProxy } from 'tiercel/testing';
import { eventually } from '../../support/eventually.js';
import { sharedRedisUrl, uniquePrefix } from '../../support/redis.js';

describe('FaultProxy', () => {
  let server: Server;
  let proxy: FaultProxy;
  const sockets: Socket[] = [];

  beforeEach(async () => {
    server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.pipe(socket);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    proxy = await FaultProxy.to((server.address() as AddressInfo).port);
  });
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    await proxy.close();
    server.close();
  });

  async function open(): Promise<{ socket: Socket; said: () => string }> {
    const socket = connect(proxy.port, '127.0.0.1');
    sockets.push(socket);
    let text = '';
    socket.on('data', (chunk) => (text += chunk.toString('latin1')));
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    return { socket, said: () => text };
  }

  it('passes all on, in order, also when chunks take different times', async () => {
    proxy.slow({ latency: 2, jitter: 20 });
    const { socket, said } = await open();
    let expected = '';
    for (let i = 0; i < 50; i++) {
      socket.write(`${i},`);
      expected += `${i},`;
      if (i % 10 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await eventually('all of it', () => said() === expected);
  });

  it('takes the latency each way', async () => {
    proxy.slow({ latency: 60 });
    const { socket, said } = await open();
    const began = performance.now();
    socket.write('a');
    await eventually('the answer', () => said() === 'a');
    expect(performance.now() - began).toBeGreaterThanOrEqual(118);
  });

  it('lets so many bytes a second through', async () => {
    proxy.slow({ bandwidth: 100_000 });
    const { socket, said } = await open();
    const began = performance.now();
    socket.write('x'.repeat(20_000));
    await eventually('the answer', () => said().length === 20_000);
    expect(performance.now() - began).toBeGreaterThanOrEqual(195);
  });

  it('cuts all connections and refuses others until it is healed', async () => {
    const first = await open();
    first.socket.write('a');
    await eventually('the answer', () => first.said() === 'a');
    proxy.cut();
    await eventually('its end', () => first.socket.closed);
    const refused = connect(proxy.port, '127.0.0.1').on('error', () => undefined);
    await eventually('its end', () => refused.closed);
    expect(proxy.accepted).toBe(1);
    proxy.heal();
    const { socket: later, said } = await open();
    later.write('back');
    await eventually('the answer', () => said() === 'back');
  });

  it('swallows what is said on the connections there are, and tells neither end', async () => {
    const { socket, said } = await open();
    proxy.blackHole();
    socket.write('lost');
    const later = await open();
    later.socket.write('passes');
    await eventually('the answer', () => later.said() === 'passes');
    expect(said()).toBe('');
    expect(socket.destroyed).toBe(false);
  });

  describe('holding back one connection', () => {
    it('lets the others overtake it, and loses nothing', async () => {
      const arrived: string[] = [];
      server.on('connection', (socket) => socket.on('data', (chunk) => arrived.push(chunk.toString())));
      const [first, second] = [await open(), await open()];
      await eventually('both', () => proxy.connections === 2);
      const release = proxy.holdBack(0);
      first.socket.write('earlier');
      second.socket.write('later');
      await eventually('the answer', () => second.said() === 'later');
      first.socket.write(', and more');
      expect(first.said()).toBe('');
      release();
      await eventually('the answer', () => first.said() === 'earlier, and more');
      expect(arrived.join()).toMatch(/^later,earlier/);
      first.socket.write('!');
      await eventually('the next', () => first.said() === 'earlier, and more!');
    });

    it('keeps what was on its way slowly behind what was before it', async () => {
      const { socket, said } = await open();
      await eventually('it', () => proxy.connections === 1);
      proxy.slow({ latency: 20, jitter: 20 });
      socket.write('a');
      await eventually('it is on its way', () => socket.bytesWritten === 1);
      proxy.holdBack(-1);
      socket.write('b');
      const other = await open();
      other.socket.write('c');
      await eventually('the answer', () => other.said() === 'c');
      expect(said()).toBe('');
      proxy.heal();
      await eventually('the answer', () => said() === 'ab');
    });

    it.each([1, -2, 0.5, Number.NaN])('refuses the place %d where there is one connection', async (place) => {
      await open();
      await eventually('it', () => proxy.connections === 1);
      expect(() => proxy.holdBack(place)).toThrow(/holdBack: expected a place among 1 connections/);
    });
  });

  it('resets in the middle of an answer', async () => {
    const { socket, said } = await open();
    proxy.resetAmidAnswer(3);
    socket.write('abcdef');
    await eventually('its end', () => socket.closed);
    expect('abc'.startsWith(said())).toBe(true);
  });

  it('hands over garbage in place of one answer', async () => {
    const { socket, said } = await open();
    proxy.garble(Buffer.from('?!'));
    socket.write('abc');
    await eventually('garbage', () => said() === '?!');
    socket.write('def');
    await eventually('the next', () => said() === '?!def');
  });

  it('loses answers alone, so that what was asked is done', async () => {
    const redis = await FaultProxy.to(Number(new URL(sharedRedisUrl()).port));
    const namespace = uniquePrefix();
    const cache = createCache({ redis: { url: redis.url, commandTimeout: 200 }, namespace });
    const direct = createCache({ redis: sharedRedisUrl(), namespace });
    try {
      await Promise.all([cache.ready(), direct.ready()]);
      await direct.set('k', 'v');
      redis.loseAnswers();
      // A delete and not a write: what a failed write may have left is deleted as soon as Redis can be reached again.
      await expect(cache.delete('k')).rejects.toMatchObject({ code: 'TIERCEL_DEADLINE' });
      expect(await direct.has('k')).toBe(false);
    } finally {
      await Promise.all([cache.close(), direct.close()]);
      await redis.close();
    }
  });

  it.each([[{ latency: -1 }], [{ jitter: Number.NaN }], [{ bandwidth: 0 }]])('refuses %j', (network) => {
    expect(() => proxy.slow(network)).toThrow(/slow/);
  });
});
