import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KeySpace } from '../../../src/client/key-space.js';
import { TagTable } from '../../../src/layers/tag-table.js';
import type { Connection, Driver } from '../../../src/redis/connection.js';
import { nodeRedisDriver } from '../../../src/redis/drivers/node-redis.js';
import { poolSettings, serverAddress } from '../../../src/redis/options.js';
import { SingleServerPort } from '../../../src/redis/single-server-port.js';
import { ConsistentHash } from '../../../src/shards/consistent-hash.js';
import { ShardedPort } from '../../../src/shards/sharded-port.js';
import { startRedis, uniquePrefix, type RedisServer } from '../../support/redis.js';

const NAMES = ['a', 'b', 'c'];
const MINUTE = 60_000;

/** A server whose clock seems to be that far ahead to those who ask it for the time. */
function ahead(driver: Driver, ms: number): Driver {
  const open = async (signal: AbortSignal): Promise<Connection> => {
    const connection = await driver.open(signal);
    return {
      async send(args) {
        const reply = await connection.send(args);
        if (args[0] !== 'TIME' || !Array.isArray(reply)) return reply;
        return [String(Number(String(reply[0])) + ms / 1000), reply[1]];
      },
      onLost: (listener) => connection.onLost(listener),
      release: () => connection.release(),
    };
  };
  return { ...driver, open };
}

describe('shards whose clocks differ', () => {
  let servers: RedisServer[];

  beforeAll(async () => {
    servers = await Promise.all(NAMES.map(() => startRedis()));
  });
  afterAll(() => Promise.all(servers.map((server) => server.stop())));

  /** A process that takes the clocks to differ by so much from what scripts on the servers find them to be. */
  async function open(skews: readonly number[]): Promise<ShardedPort> {
    const shards = NAMES.map((name, i) => {
      const options = { url: servers[i]?.url ?? '', commandTimeout: '5s' } as const;
      const driver = ahead(nodeRedisDriver(serverAddress(options), false), skews[i] ?? 0);
      return [name, new SingleServerPort(driver, poolSettings(options))] as const;
    });
    const port = new ShardedPort({
      ring: new ConsistentHash(NAMES),
      shards: new Map(shards),
      commandTimeout: 5000,
    });
    await port.connect();
    return port;
  }

  /** A namespace whose floor, which invalidations take their time from, is on that shard. */
  function withFloorOn(name: string): KeySpace {
    const ring = new ConsistentHash(NAMES);
    for (;;) {
      const keys = KeySpace.of(uniquePrefix());
      if (ring.get(keys.tagFloorKey) === name) return keys;
    }
  }

  it.each([
    ['a', [0, MINUTE, 2 * MINUTE]],
    ['b', [MINUTE, 0, 2 * MINUTE]],
    ['c', [2 * MINUTE, MINUTE, 0]],
    ['b', [MINUTE, 0, MINUTE]],
  ] as const)(
    'never make an entry valid that was loaded before its tag was invalidated: floor on %s, clocks %j',
    async (floor, skews) => {
      const port = await open(skews);
      try {
        const keys = withFloorOn(floor);
        const table = new TagTable({ port, keys, retention: MINUTE, remember: false });
        await table.warm();
        const tags = Array.from({ length: 9 }, (_, i) => `tag ${i}`);
        const createdAt = port.serverNow();
        await table.prepareFill(tags, createdAt);
        await table.invalidate(tags);
        for (const tag of tags) expect(await table.resolve([tag], createdAt)).toBe('stale');
      } finally {
        await port.close();
      }
    },
  );
});
