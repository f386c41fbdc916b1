import { existsSync } from 'node:fs';
import { createConnection } from 'node:net';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { rawAddress, rawCommand } from '../../../servers/raw-redis.js';
import {
  createCertificate,
  sharedRedisUrl,
  startRedis,
  uniquePrefix,
  type RedisServer,
} from '../../support/redis.js';

describe('a Redis server of our own', () => {
  const servers: RedisServer[] = [];

  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => server.stop()));
  });

  const start = async (options?: Parameters<typeof startRedis>[0]): Promise<RedisServer> => {
    const server = await startRedis(options);
    servers.push(server);
    return server;
  };

  it('takes commands as soon as it is there, and persists nothing', async () => {
    const server = await start();
    expect(await server.cli('SET', 'key', 'value')).toBe('OK');
    expect(await server.cli('GET', 'key')).toBe('value');
    expect(await server.cli('DEL', 'key')).toBe(1);
    expect(await server.cli('CONFIG', 'GET', 'save')).toEqual(['save', '']);
    expect(await server.cli('CONFIG', 'GET', 'bind')).toEqual(['bind', '127.0.0.1']);
  });

  it('starts three in parallel in under two seconds, on different ports', async () => {
    const begun = performance.now();
    const three = await Promise.all([start(), start(), start()]);
    expect(performance.now() - begun).toBeLessThan(2_000);
    expect(new Set(three.map((server) => server.port)).size).toBe(3);
    expect(new Set(three.map((server) => server.pid)).size).toBe(3);
  });

  it('accepts connections while frozen, answers nothing, and goes on when thawed', async () => {
    const server = await start();
    await server.freeze();
    const socket = createConnection(server.port, server.host);
    await once(socket, 'connect');
    await expect(rawCommand(rawAddress(server.url), ['PING'], 100)).rejects.toThrow('did not answer');
    const answer = once(socket, 'data');
    socket.write('PING\r\n');
    await server.thaw();
    expect(String((await answer)[0])).toBe('+PONG\r\n');
    socket.destroy();
  });

  it('drops connections when killed, and comes back empty on the same port', async () => {
    const server = await start();
    const { port, pid, dir } = server;
    await server.cli('SET', 'key', 'value');
    const socket = createConnection(port, server.host);
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    const closed = new Promise<void>((resolve) => {
      socket.once('close', () => resolve());
    });
    await server.kill();
    await closed;
    await expect(server.cli('PING')).rejects.toThrow('ECONNREFUSED');
    await server.restart();
    expect(server).toMatchObject({ port, dir });
    expect(server.pid).not.toBe(pid);
    expect(await server.cli('GET', 'key')).toBeNull();
  });

  it('keeps its keys over a kill and a restart with an append-only file', async () => {
    const server = await start({ appendonly: true });
    await server.cli('SET', 'key', 'value');
    await server.kill();
    await server.restart();
    expect(await server.cli('GET', 'key')).toBe('value');
    await server.restart();
    expect(await server.cli('GET', 'key')).toBe('value');
  });

  it('removes its folder when stopped, also when frozen, and may be stopped twice and restarted', async () => {
    const server = await start();
    expect(existsSync(server.dir)).toBe(true);
    await server.freeze();
    await server.stop();
    await server.stop();
    expect(existsSync(server.dir)).toBe(false);
    expect(() => process.kill(server.pid, 0)).toThrow('ESRCH');
    await expect(server.freeze()).rejects.toThrow('it is down');
    await server.restart();
    expect(await server.cli('PING')).toBe('PONG');
  });

  it('takes further directives, and tells a password in its URL', async () => {
    const server = await start({
      config: {
        requirepass: 'p@ss',
        maxmemory: '3mb',
        'tracking-table-max-keys': '10',
        save: ['60 1', '300 10'],
      },
    });
    expect(await server.cli('CONFIG', 'GET', 'maxmemory')).toEqual(['maxmemory', '3145728']);
    expect(await server.cli('CONFIG', 'GET', 'tracking-table-max-keys')).toEqual([
      'tracking-table-max-keys',
      '10',
    ]);
    expect(await server.cli('CONFIG', 'GET', 'save')).toEqual(['save', '60 1 300 10']);
    expect(await rawCommand(rawAddress(server.url), ['PING'])).toBe('PONG');
    const { host, port } = server;
    await expect(rawCommand({ host, port }, ['PING'])).rejects.toThrow('NOAUTH');
  });

  it('knows the users of its access list, also when the default user is off', async () => {
    const server = await start({ acl: ['default off', 'alice on >secret ~shop:* +get +set'] });
    const alice = { host: server.host, port: server.port, username: 'alice', password: 'secret' };
    expect(await rawCommand(alice, ['SET', 'shop:1', 'x'])).toBe('OK');
    await expect(rawCommand(alice, ['SET', 'other', 'x'])).rejects.toThrow('NOPERM');
    expect(await server.cli('GET', 'shop:1')).toBe('x');
  });

  it('speaks TLS, and nothing else, to those who trust its authority', async () => {
    const tls = createCertificate();
    const server = await start({ tls });
    expect(server.url).toMatch(/^rediss:/);
    expect(await server.cli('PING')).toBe('PONG');
    const { host, port } = server;
    await expect(rawCommand({ host, port, tls: { ca: createCertificate().ca } }, ['PING'])).rejects.toThrow(
      /self-signed|certificate/,
    );
    await expect(rawCommand({ host, port }, ['PING'])).rejects.toThrow(/closed|ECONNRESET/);
  });

  it('says what the server wrote when a directive is wrong', async () => {
    await expect(startRedis({ config: { 'no-such-directive': '1' } })).rejects.toThrow(/no-such-directive/);
  });

  it('does not take the answer of another server on the port it was given for its own', async () => {
    const { port } = await start();
    await expect(startRedis({ port })).rejects.toThrow(`port ${port} is taken`);
  });

  it('stands beside one that all suites share', async () => {
    const key = `${uniquePrefix()}:key`;
    const shared = rawAddress(sharedRedisUrl());
    expect(await rawCommand(shared, ['SET', key, 'x', 'PX', '1000'])).toBe('OK');
  });
});
