import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createClient } from '@redis/client';
import { Redis as Ioredis6 } from 'ioredis';
import { Redis as Ioredis5 } from 'ioredis5';
import { createCache, type CacheOptions } from 'tiercel';
import { eventually } from '../support/eventually.js';
import { startRedis, type RedisServer } from '../support/redis.js';

describe('a connection apart that hears of changes', () => {
  let server: RedisServer;
  const ends: Array<() => unknown> = [];

  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.stop());
  afterEach(async () => {
    for (const end of ends.splice(0).toReversed()) await end();
  });

  const connections = async (): Promise<string[]> =>
    String(await server.cli('CLIENT', 'LIST'))
      .split('\n')
      .filter((line) => line !== '' && !line.includes('cmd=client|list'));

  const clients: ReadonlyArray<readonly [string, () => Promise<{ client: object; end: () => void }>]> = [
    [
      '@redis/client',
      async () => {
        const client = createClient({ url: server.url });
        client.on('error', () => undefined);
        await client.connect();
        return { client, end: () => client.destroy() };
      },
    ],
    [
      'ioredis 6',
      async () => {
        const client = new Ioredis6(server.url, { maxRetriesPerRequest: 0 });
        await client.ping();
        return { client, end: () => client.disconnect() };
      },
    ],
    [
      'ioredis 5',
      async () => {
        const client = new Ioredis5(server.url, { maxRetriesPerRequest: 0 });
        await client.ping();
        return { client, end: () => client.disconnect() };
      },
    ],
  ];

  describe.each(clients)('beside a client of %s', (_, connect) => {
    async function open(options: CacheOptions = {}) {
      const { client, end } = await connect();
      ends.push(end);
      const cache = createCache({ redis: { client, commandTimeout: '5s' }, namespace: 'shop', ...options });
      ends.push(() => cache.close());
      await cache.ready();
      return cache;
    }

    it('is had without being asked for, so that copies are kept', async () => {
      const cache = await open();
      await cache.set('k', 'v');
      await eventually('a copy', async () => (await cache.get('k')) === 'v' && cache.peek('k') === 'v');
    });

    it('is one, leaves the application’s connection as it is, and ends with the cache', async () => {
      const cache = await open();
      const both = await connections();
      expect(both).toHaveLength(2);
      // `t` is a connection with tracking, `P` one that has subscribed, `N` has nothing to it.
      const flags = both.map((line) => / flags=(\w+) /.exec(line)?.[1]);
      expect(flags).toContain('N');
      expect(flags.filter((flag) => flag?.includes('P'))).toHaveLength(1);
      await cache.close();
      await eventually('only the application’s', async () => (await connections()).length === 1);
    });

    it('is not had where nothing is kept in memory', async () => {
      await open({ memory: false });
      expect(await connections()).toHaveLength(1);
      await open({ memory: false, coherence: 'pubsub' });
      expect(await connections()).toHaveLength(2);
    });

    it('is opened anew with every connection of the application’s, since it may be to another server', async () => {
      const cache = await open();
      const listening = async (): Promise<string | undefined> =>
        (await connections()).find((line) => / flags=\w*P/.test(line));
      const idOf = (line: string | undefined): string | undefined => /^id=(\d+)/.exec(line ?? '')?.[1];
      const before = idOf(await listening());
      expect(before).toBeDefined();
      await server.cli('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
      await eventually('another one', async () => {
        const now = idOf(await listening());
        return now !== undefined && now !== before;
      });
      await eventually('health', async () => (await cache.healthCheck()).healthy);
    });
  });

  it('is not taken for a Cluster’s client, of which each node tells of its own keys only', () => {
    const client = {
      isCluster: true,
      nodes: () => [],
      status: 'ready',
      options: {},
      callBuffer: async () => null,
      duplicate: () => null,
    };
    expect(() => createCache({ redis: { client }, coherence: 'broadcast' })).toThrow(/cannot tell of keys/);
  });
});
