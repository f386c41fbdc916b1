import { describe, expect, it } from 'vitest';
import { createCache, type RedisOptions } from 'tiercel';
import { sentinelSettings } from '../../../src/redis/sentinel/sentinel-options.js';
import { shardSettings } from '../../../src/redis/shard-options.js';

const nodes = [{ host: 's1' }, { host: 's2', port: 5000 }];

describe('the option redis.shards', () => {
  it('places keys by the name of a shard, or else by its address', () => {
    const settings = shardSettings({
      shards: [
        'redis://one.example:7000',
        { host: 'two.example' },
        { url: 'redis://three.example/2' },
        { url: 'redis://four.example', name: 'd', weight: 2 },
        { sentinel: { name: 'main', nodes }, name: 'e', password: 'secret' },
      ],
      commandTimeout: '1s',
    });
    expect(settings.map(({ name, weight }) => [name, weight])).toEqual([
      ['one.example:7000', 1],
      ['two.example:6379', 1],
      ['three.example:6379/2', 1],
      ['d', 2],
      ['e', 1],
    ]);
    expect(settings[3]?.redis).toEqual({ url: 'redis://four.example', commandTimeout: '1s' });
    expect(settings[4]?.redis).toEqual({
      sentinel: { name: 'main', nodes },
      password: 'secret',
      commandTimeout: '1s',
    });
  });

  it.each<[what: string, redis: object, message: string]>([
    ['no shards', { shards: [] }, 'redis.shards: expected a list of at least one shard, got an array of 0'],
    ['shards that are no list', { shards: 'redis://a' }, "got 'redis://a'"],
    ['a shard that is none', { shards: [7] }, 'redis.shards[0]: expected an object with options, got 7'],
    [
      'an unknown option of a shard',
      { shards: ['redis://a', { wieght: 2 }] },
      "redis.shards[1]: unknown option 'wieght'; did you mean 'weight'?",
    ],
    [
      'timing of one shard alone',
      { shards: [{ commandTimeout: 5 }] },
      "redis.shards[0]: unknown option 'commandTimeout'",
    ],
    ['a wrong URL', { shards: ['redis://a', 'http://b'] }, 'redis.shards[1]: redis.url'],
    ['a wrong port', { shards: [{ port: 0, name: 'a' }] }, 'redis.shards[0]: redis.port'],
    [
      'an empty name',
      { shards: [{ name: '' }] },
      "redis.shards[0].name: expected a non-empty, well-formed string, got ''",
    ],
    [
      'a weight of 0',
      { shards: [{ weight: 0 }] },
      'redis.shards[0].weight: expected a number above 0, got 0',
    ],
    [
      'one name twice',
      { shards: [{ name: 'a' }, { name: 'a', port: 1 }] },
      "redis.shards[1]: the name 'a' is that of redis.shards[0] already",
    ],
    ['one address twice', { shards: ['redis://a', 'redis://a:6379'] }, "the name 'a:6379' is that of"],
    [
      'a shard of Sentinel without a name',
      { shards: [{ sentinel: { name: 'main', nodes } }] },
      'redis.shards[0].name',
    ],
    [
      'a wrong Sentinel',
      { shards: [{ name: 'a', sentinel: { name: 'main', nodes: [] } }] },
      'redis.shards[0]: redis.sentinel.nodes',
    ],
    [
      'wrong virtual nodes',
      { shards: ['redis://a'], virtualNodes: 0 },
      'virtualNodes: expected a whole number from 1 to 65536, got 0',
    ],
    ['wrong timing', { shards: ['redis://a'], commandTimeout: 0 }, 'redis.commandTimeout'],
    [
      'another way to Redis beside it',
      { shards: ['redis://a'], url: 'redis://b' },
      "redis: unknown option 'url'",
    ],
  ])('refuses %s', (_, redis, message) => {
    expect(() => createCache({ redis: redis as RedisOptions })).toThrow(
      expect.objectContaining({ code: 'TIERCEL_INVALID_OPTION', message: expect.stringContaining(message) }),
    );
  });
});

describe('the option redis.sentinel', () => {
  it('has a login for the sentinels and another for the servers', () => {
    const settings = sentinelSettings({
      sentinel: { name: 'main', nodes, password: 'of the sentinels', tls: true },
      username: 'ada',
      password: 'of the servers',
      database: 3,
      name: 'shop',
    });
    expect(settings.sentinels).toMatchObject([
      {
        host: 's1',
        port: 26379,
        username: undefined,
        password: 'of the sentinels',
        tls: true,
        database: 0,
        name: 'shop',
      },
      { host: 's2', port: 5000 },
    ]);
    expect(settings.login).toMatchObject({
      username: 'ada',
      password: 'of the servers',
      tls: false,
      database: 3,
      name: 'shop',
    });
  });

  it.each<[what: string, redis: object, message: string]>([
    [
      'no name',
      { sentinel: { nodes } },
      'redis.sentinel.name: expected the name of a primary, got undefined',
    ],
    [
      'no nodes',
      { sentinel: { name: 'main' } },
      'redis.sentinel.nodes: expected a list of at least one sentinel, got undefined',
    ],
    [
      'a wrong node',
      { sentinel: { name: 'main', nodes: [{ url: 'redis://a' }] } },
      "redis.sentinel.nodes[0]: unknown option 'url'",
    ],
    [
      'a wrong port',
      { sentinel: { name: 'main', nodes: [{ port: 70_000 }] } },
      'redis.sentinel.nodes[0].port: expected a whole number from 1 to 65535, got 70000',
    ],
    [
      'an unknown option',
      { sentinel: { name: 'main', nodes, quorum: 2 } },
      "redis.sentinel: unknown option 'quorum'",
    ],
    [
      'an address of the primary',
      { sentinel: { name: 'main', nodes }, host: 'a' },
      "redis: unknown option 'host'",
    ],
    [
      'a Sentinel that is none',
      { sentinel: 'redis://a' },
      "redis.sentinel: expected an object with options, got 'redis://a'",
    ],
  ])('refuses %s', (_, redis, message) => {
    expect(() => createCache({ redis: redis as RedisOptions })).toThrow(
      expect.objectContaining({ code: 'TIERCEL_INVALID_OPTION', message: expect.stringContaining(message) }),
    );
  });
});
