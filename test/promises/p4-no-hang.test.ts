import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { CacheClient, createCache, type RedisTimingOptions } from 'tiercel';
import { startRedis, type RedisServer } from '../support/redis.js';
import { closedLoop } from '../support/closed-loop.js';
import { waysToRedis } from '../support/clients.js';
import { eventually } from '../support/eventually.js';
import { FakeRedis } from '../support/fake-redis.js';
import { Opened } from '../support/open-cache.js';
import { redisCli } from '../support/redis-cli.js';
import { unhandledRejections } from '../support/unhandled-rejections.js';

const DEADLINE = 250;
/** On a busy machine a call may take this much longer than its deadline; a hang takes for ever. */
const SLACK = 450;
const DEFAULTS: RedisTimingOptions = {};
/** How many `operations` lists. */
const OPERATIONS = 11;

/** Each operation there is, under a name for messages. */
function operations(client: CacheClient): ReadonlyArray<[name: string, call: () => Promise<unknown>]> {
  return [
    ['get', () => client.get('k')],
    ['getOrThrow', () => client.getOrThrow('k')],
    ['getMany', () => client.getMany(['k', 'l', 'm'])],
    ['set', () => client.set('k', 1)],
    [
      'setMany',
      () =>
        client.setMany([
          ['k', 1],
          ['l', 2],
        ]),
    ],
    ['delete', () => client.delete('k')],
    ['deleteMany', () => client.deleteMany(['k', 'l'])],
    ['exists', () => client.exists('k')],
    ['ttl', () => client.ttl('k')],
    ['expire', () => client.expire('k', '1h')],
    ['healthCheck', () => client.healthCheck()],
  ];
}

async function timed(call: () => Promise<unknown>): Promise<{ took: number; outcome: unknown }> {
  const began = performance.now();
  const outcome = await call().catch((error: unknown) => error);
  return { took: performance.now() - began, outcome };
}

describe('P4 no hang: every call settles by its deadline', () => {
  const opened = new Opened();
  let server: RedisServer;

  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.stop());
  afterEach(() => opened.close());

  describe.each(waysToRedis)('over $name', (way) => {
    it('whatever the operation, the first to meet a server that has stopped', async () => {
      const clients = await Promise.all(
        Array.from({ length: OPERATIONS }, () => opened.client(way, server.url, {}, DEFAULTS)),
      );
      expect(clients).toHaveLength(operations(clients[0] as CacheClient).length);
      await server.freeze();
      try {
        await Promise.all(
          clients.map(async (client, i) => {
            const [name, call] = operations(client)[i] ?? ['', async () => undefined];
            const { took, outcome } = await timed(call);
            expect(took, name).toBeGreaterThan(DEADLINE - 50);
            expect(took, name).toBeLessThan(DEADLINE + SLACK);
            if (name === 'healthCheck') expect(outcome).toMatchObject({ healthy: false });
            else expect(outcome, name).toBeInstanceOf(Error);
          }),
        );
      } finally {
        await server.thaw();
      }
    });

    it('under load, while the server stops and goes on', async () => {
      const cache = await opened.cache(way, server.url, {}, DEFAULTS);
      const client = await opened.client(way, server.url, {}, DEFAULTS);
      const calls = operations(client);
      const unhandled = await unhandledRejections(async () => {
        const loop = closedLoop(50, (caller, turn) =>
          caller % 2 === 0
            ? cache.getOrSet(`k${turn % 50}`, async () => 1)
            : (calls[(caller + turn) % calls.length]?.[1] ?? (async () => undefined))().catch(
                () => undefined,
              ),
        );
        for (let round = 0; round < 2; round++) {
          await eventually('traffic', async () => (await client.healthCheck()).healthy);
          await server.freeze();
          await eventually('silence', () => client.stats().state === 'silent');
          const before = loop.calls;
          await eventually('calls that go on', () => loop.calls > before + 100);
          await server.thaw();
        }
        const { worst, failures } = await loop.stop();
        expect(failures).toEqual([]);
        expect(worst).toBeLessThan(DEADLINE + SLACK);
      });
      expect(unhandled).toEqual([]);
    });
  });

  it('also before there is a connection, with a server that accepts and says nothing', async () => {
    const silent = createServer((socket) => void socket.on('error', () => undefined));
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    opened.add(() => silent.close());
    const { port } = silent.address() as AddressInfo;
    const cache = createCache({ redis: { host: '127.0.0.1', port, connectTimeout: 3000 } });
    opened.add(() => cache.close());
    const outcomes = await Promise.all([
      timed(() => cache.getOrSet('k', () => 1)),
      timed(() => cache.set('k', 1)),
      timed(() => cache.get('k')),
      timed(() => cache.delete('k')),
      timed(() => cache.getMany(['k', 'l'])),
      timed(() => cache.setMany([['k', 1]])),
      timed(() => cache.expire('k', 1)),
      timed(() => cache.has('k')),
    ]);
    for (const { took } of outcomes) expect(took).toBeLessThan(DEADLINE + SLACK);
    expect(outcomes[0].outcome).toBe(1);
  });

  it('also when it takes several round trips, of which each alone would be in time', async () => {
    const deadline = 1000;
    const codec = { id: 9, name: 'any', encode: () => Buffer.from('x'), decode: () => 1 };
    const writer = await CacheClient.connect(server.url, { codec, namespace: 'writer' });
    opened.add(() => writer.close());
    await writer.set('k', 1);
    const entry = (await redisCli(server.url).bytes('writer::k')).toString('latin1');
    // The read is answered late, though in time; the write behind it never.
    const fake = await FakeRedis.start((command, socket) => {
      if (command[0] !== 'get') return undefined;
      setTimeout(() => socket.write(`$${entry.length}\r\n${entry}\r\n`, 'latin1'), 0.7 * deadline);
      return undefined;
    });
    opened.add(() => fake.close());
    const client = await CacheClient.connect(
      // The answer to a heartbeat would be taken for the one that never comes.
      { url: fake.url, commandTimeout: deadline, heartbeatInterval: '1m' },
      { codec },
    );
    opened.add(() => client.close());
    const { took, outcome } = await timed(() => client.expire('k', '1h'));
    expect(outcome).toMatchObject({ code: 'TIERCEL_DEADLINE', operation: 'expire' });
    expect(took).toBeGreaterThan(0.9 * deadline);
    expect(took).toBeLessThan(deadline + SLACK);
  });

  it.each<[what: string, reply: string | undefined]>([
    ['never answers', undefined],
    ['begins an answer and never ends it', '$1000000\r\nabc'],
    ['begins a list and never ends it', '*3\r\n$1\r\na\r\n'],
  ])('with a server that %s', async (_, reply) => {
    const fake = await FakeRedis.start(() => reply);
    opened.add(() => fake.close());
    await Promise.all(
      Array.from({ length: OPERATIONS }, async (_each, i) => {
        const client = await CacheClient.connect(fake.url);
        opened.add(() => client.close());
        const [name, call] = operations(client)[i] ?? ['', async () => undefined];
        if (name === 'healthCheck') return; // the fake answers PING
        const { took, outcome } = await timed(call);
        expect(outcome, name).toBeInstanceOf(Error);
        expect(took, name).toBeLessThan(DEADLINE + SLACK);
      }),
    );
  });

  it('closing too, while the server has stopped', async () => {
    const cache = createCache({ redis: server.url });
    await cache.ready();
    await server.freeze();
    try {
      const fill = cache.getOrSet('k', () => 1);
      const { took } = await timed(() => cache.close());
      expect(took).toBeLessThan(2 * DEADLINE + SLACK);
      expect(await fill).toBe(1);
    } finally {
      await server.thaw();
    }
  });
});
