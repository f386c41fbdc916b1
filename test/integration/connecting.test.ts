import { createServer, type AddressInfo, type Server } from 'node:net';
import { once } from 'node:events';
import { inspect } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { CacheClient, createCache, type CacheError, type RedisServerOptions } from 'tiercel';
import { freePort } from '../../servers/free-port.js';
import { eventually } from '../support/eventually.js';
import { MemoryLogger } from '../support/memory-logger.js';
import { startRedis, type RedisOptions, type RedisServer } from '../../servers/redis.js';
import { createCertificate } from '../support/redis.js';
import { unhandledRejections } from '../support/unhandled-rejections.js';

const SECRET = 'pa55-0f-ada';

const everything = (error: unknown): string => inspect(error, { depth: 10, showHidden: true });

const fail = (): never => {
  throw new Error('the disk is full');
};

describe('connecting', () => {
  const closers: Array<() => unknown> = [];
  afterEach(async () => {
    for (const close of closers.splice(0).toReversed()) await close();
  });

  async function start(options: RedisOptions): Promise<RedisServer> {
    const server = await startRedis(options);
    closers.push(() => server.stop());
    return server;
  }

  async function connect(redis: RedisServerOptions): Promise<CacheClient> {
    const client = await CacheClient.connect({ commandTimeout: '2s', ...redis });
    closers.push(() => client.close());
    return client;
  }

  async function failure(redis: RedisServerOptions): Promise<{ error: CacheError; took: number }> {
    const began = performance.now();
    const error: unknown = await connect(redis).catch((thrown: unknown) => thrown);
    return { error: error as CacheError, took: performance.now() - began };
  }

  /** Accepts connections and never says anything. */
  async function silentServer(): Promise<{ port: number; server: Server }> {
    const server = createServer((socket) => {
      socket.resume(); // what is not read hides the end behind it
      socket.on('error', () => undefined);
      closers.push(() => socket.destroy());
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    closers.push(() => server.close());
    return { port: (server.address() as AddressInfo).port, server };
  }

  describe('to nobody', () => {
    it('rejects after the first attempt and as many as maxRetries more', async () => {
      const port = await freePort('127.0.0.1');
      const { error, took } = await failure({
        host: '127.0.0.1',
        port,
        maxRetries: 2,
        retryDelay: { min: 1, max: 5 },
      });
      expect(error).toMatchObject({
        code: 'TIERCEL_CONNECTION',
        operation: 'connect',
        message: expect.stringContaining(`127.0.0.1:${port}`),
      });
      expect(error.cause).toBeInstanceOf(Error);
      expect(took).toBeLessThan(1500);
    });

    it('tries as often as it is told', async () => {
      let refused = 0;
      const server = createServer((socket) => {
        refused++;
        socket.destroy();
      });
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      closers.push(() => server.close());
      const { port } = server.address() as AddressInfo;
      await failure({ host: '127.0.0.1', port, maxRetries: 2, retryDelay: { min: 1, max: 5 } });
      expect(refused).toBe(3);
    });

    it('rejects within connectTimeout, however many retries are left', async () => {
      const { port } = await silentServer();
      const { error, took } = await failure({
        host: '127.0.0.1',
        port,
        connectTimeout: 200,
        maxRetries: 100,
      });
      expect(error).toMatchObject({
        code: 'TIERCEL_CONNECTION',
        operation: 'connect',
        message: expect.stringContaining('200 ms'),
      });
      expect(took).toBeGreaterThan(150);
      expect(took).toBeLessThan(900);
    });

    it('leaves nothing behind: no connection, no rejection that nobody handles', async () => {
      const { port, server } = await silentServer();
      const unhandled = await unhandledRejections(async () => {
        await failure({ host: '127.0.0.1', port, connectTimeout: 100 });
        await eventually('no connection', async () => {
          const open = await new Promise<number>((resolve) => {
            server.getConnections((_, count) => resolve(count));
          });
          return open === 0;
        });
      });
      expect(unhandled).toEqual([]);
    });

    it('lets ready() reject while the cache goes on trying, and works once there is a server', async () => {
      const port = await freePort('127.0.0.1');
      const cache = createCache({
        redis: { port, host: '127.0.0.1', maxRetries: 0, retryDelay: { min: 5, max: 20 } },
      });
      closers.push(() => cache.close());
      await expect(cache.ready()).rejects.toMatchObject({ code: 'TIERCEL_CONNECTION' });
      expect(await cache.getOrSet('k', () => 'loaded')).toBe('loaded');
      await start({ port });
      await eventually('a hit', async () => {
        await cache.getOrSet('k', () => 'loaded');
        return cache.stats().counters.hits > 0;
      });
    });
  });

  describe('as whom', () => {
    it('says a wrong password at once, without trying again', async () => {
      const server = await start({ config: { requirepass: 'right' } });
      const { error, took } = await failure({ host: server.host, port: server.port, password: 'wrong' });
      expect(error).toMatchObject({ code: 'TIERCEL_AUTHENTICATION', operation: 'connect' });
      expect(took).toBeLessThan(2000);
    });

    it('says a missing password at once', async () => {
      const server = await start({ config: { requirepass: 'right' } });
      const { error } = await failure({ host: server.host, port: server.port });
      expect(error).toMatchObject({ code: 'TIERCEL_AUTHENTICATION' });
    });

    it('logs in as an ACL user, to a database, under a name', async () => {
      const server = await start({ acl: ['default off', `ada on >${SECRET} ~* &* +@all`] });
      const client = await connect({
        url: `redis://ada:${SECRET}@127.0.0.1:${server.port}/3`,
        name: 'shop-frontend',
      });
      await client.set('k', 1);
      const list = String(await server.cli('CLIENT', 'LIST'));
      expect(list).toMatch(/name=shop-frontend .*db=3 .*user=ada/);
      expect(await server.cli('EXISTS', 'tiercel::k')).toBe(0);
      expect(String(await server.cli('INFO', 'keyspace'))).toMatch(/db3:keys=1/);
    });

    it('takes user, password and database from options rather than from the URL', async () => {
      const server = await start({ acl: ['default off', 'ada on >right ~* &* +@all'] });
      const url = `redis://bob:wrong@127.0.0.1:${server.port}/1`;
      await connect({ url, username: 'ada', password: 'right', database: 2 });
      expect(String(await server.cli('CLIENT', 'LIST'))).toMatch(/name=tiercel .*db=2 .*user=ada/);
    });

    it('tells a command the user may not use from a lost connection', async () => {
      const server = await start({
        acl: ['default off', 'reader on >pw ~tiercel::* &* -@all +@connection +get +mget +time'],
      });
      const client = await connect({
        host: server.host,
        port: server.port,
        username: 'reader',
        password: 'pw',
      });
      expect(await client.get('k')).toBeUndefined();
      for (const denied of [client.set('k', 1), client.delete('k')]) {
        await expect(denied).rejects.toMatchObject({
          code: 'TIERCEL_AUTHENTICATION',
          message: expect.stringMatching(/NOPERM/),
        });
      }
      expect(await client.get('k')).toBeUndefined();
    });

    it('lets getOrSet load where the user may not do anything', async () => {
      const server = await start({
        acl: ['default off', 'nobody on >pw -@all +@connection'],
      });
      const logger = new MemoryLogger();
      const cache = createCache({
        redis: { host: server.host, port: server.port, username: 'nobody', password: 'pw' },
        memory: false,
        logger,
      });
      closers.push(() => cache.close());
      expect(await cache.getOrSet('k', () => 'loaded')).toBe('loaded');
      expect(await cache.get('k')).toBeUndefined();
      await expect(cache.set('k', 1)).rejects.toMatchObject({ code: 'TIERCEL_AUTHENTICATION' });
      expect(logger.text).toMatch(/NOPERM/);
    });
  });

  describe('over TLS', () => {
    it('trusts the authority it is given', async () => {
      const tls = createCertificate();
      const server = await start({ tls });
      expect(server.url).toMatch(/^rediss:/);
      const client = await connect({ url: server.url, tls: { ca: tls.ca } });
      await client.set('k', 'over TLS');
      expect(await client.get('k')).toBe('over TLS');
    });

    it('refuses a server nobody vouches for', async () => {
      const server = await start({ tls: createCertificate() });
      for (const tls of [true, { ca: createCertificate().ca }]) {
        const { error } = await failure({ url: server.url, tls, maxRetries: 0 });
        expect(error).toMatchObject({
          code: 'TIERCEL_CONNECTION',
          message: expect.stringMatching(/certificate|self-signed|signature/i),
        });
      }
    });

    it('fails in time when the server does not speak it', async () => {
      const server = await start({});
      const { error, took } = await failure({
        url: server.url.replace('redis:', 'rediss:'),
        connectTimeout: 300,
        maxRetries: 0,
      });
      expect(error).toMatchObject({ code: 'TIERCEL_CONNECTION' });
      expect(took).toBeLessThan(1500);
    });
  });

  describe('never shows a password', () => {
    it.each([
      ['in a port that is none', `redis://ada:${SECRET}@localhost:port`],
      ['with a slash', `redis://ada:12/${SECRET}@localhost:6379`],
      ['with a hash', `redis://ada:12#${SECRET}@localhost:6379`],
      ['with a question mark', `redis://ada:12?${SECRET}@localhost:6379`],
      ['with a percent sign', `redis://ada:${SECRET}%@localhost:6379`],
      ['with another scheme', `http://ada:${SECRET}@localhost:6379`],
      ['without a scheme', `ada:${SECRET}@localhost:6379`],
      ['with a wrong database', `redis://ada:${SECRET}@localhost:6379/${SECRET}`],
    ])('of a URL that cannot be used: %s', (_, url) => {
      for (const redis of [url, { url }]) {
        let error: unknown;
        try {
          createCache({ redis });
        } catch (thrown) {
          error = thrown;
        }
        expect(error).toMatchObject({ code: 'TIERCEL_INVALID_OPTION' });
        expect(everything(error)).not.toContain(SECRET);
      }
    });

    it('in errors, health, logs and stats, whatever goes wrong', async () => {
      const server = await start({ acl: ['default off', `ada on >${SECRET} ~* &* +@all -client`] });
      const logger = new MemoryLogger();
      const cache = createCache({
        redis: {
          url: `redis://ada:${SECRET}@127.0.0.1:${server.port}`,
          retryDelay: { min: 5, max: 10 },
          maxRetries: 0,
        },
        logger,
      });
      closers.push(() => cache.close());
      const told: unknown[] = [];
      const note = (error: unknown): void => void told.push(error);
      await cache.ready().catch(note);
      await server.cli('ACL', 'SETUSER', 'ada', '-set', '-get');
      await cache.set('k', 1).catch(note);
      await cache.getOrSet('k', () => 1);
      told.push(await cache.healthCheck());
      await server.kill();
      await eventually('the loss', async () => (await cache.healthCheck()).redis?.state === 'lost');
      await cache.set('k', 1).catch(note);
      await cache.delete('k').catch(note);
      await cache.setMany([['k', 1]]).catch(note);
      told.push(await cache.healthCheck(), cache.stats());

      await server.restart();
      await server.cli('ACL', 'SETUSER', 'ada', 'resetpass', '>other');
      const wrong = createCache({ redis: `redis://ada:${SECRET}@127.0.0.1:${server.port}`, logger });
      closers.push(() => wrong.close());
      await expect(wrong.ready()).rejects.toMatchObject({ code: 'TIERCEL_AUTHENTICATION' });
      await wrong.ready().catch(note);

      expect(told.length).toBeGreaterThanOrEqual(7);
      expect(everything(told)).not.toContain(SECRET);
      expect(logger.lines.length).toBeGreaterThan(0);
      expect(logger.text).not.toContain(SECRET);
    });
  });

  it('is not disturbed by a logger that throws', async () => {
    const server = await start({});
    const unhandled = await unhandledRejections(async () => {
      const cache = createCache({
        redis: { url: server.url, retryDelay: { min: 5, max: 10 } },
        memory: false,
        logger: { debug: fail, info: fail, warn: fail, error: fail },
      });
      closers.push(() => cache.close());
      await cache.ready();
      await cache.set('k', 1);
      await server.kill();
      await eventually('the loss', async () => (await cache.healthCheck()).redis?.state === 'lost');
      expect(await cache.get('k')).toBeUndefined();
      await server.restart();
      await eventually('the return', async () => (await cache.healthCheck()).healthy);
    });
    expect(unhandled).toEqual([]);
  });
});
