import { InvalidOptionError } from '../errors.js';
import { describeValue, rejectUnknownOptions } from '../validate.js';
import {
  SERVER,
  serverAddress,
  TIMING,
  type RedisSentinelOptions,
  type RedisServerOptions,
  type RedisShard,
  type RedisShardsOptions,
} from './options.js';
import { sentinelSettings } from './sentinel/sentinel-options.js';

/** A shard with the options of the server it is, or of the Sentinel that knows it. */
export interface ShardSettings {
  readonly name: string;
  readonly weight: number;
  readonly redis: RedisServerOptions | RedisSentinelOptions;
}

const SHARD = [
  ...SERVER.filter((option) => !(TIMING as readonly string[]).includes(option)),
  'weight',
  'sentinel',
];

/** @throws InvalidOptionError that says which shard is meant. */
export function shardSettings(options: RedisShardsOptions): ShardSettings[] {
  rejectUnknownOptions(options, ['shards', 'virtualNodes', ...TIMING], 'redis');
  const { shards, virtualNodes: _, ...timing } = options;
  if (!Array.isArray(shards) || shards.length === 0) {
    throw new InvalidOptionError(
      `redis.shards: expected a list of at least one shard, got ${describeValue(shards)}`,
    );
  }
  const settings = shards.map((shard: string | RedisShard, i): ShardSettings => {
    const where = `redis.shards[${i}]`;
    try {
      return oneShard(typeof shard === 'string' ? { url: shard } : shard, timing, where);
    } catch (error) {
      if (!(error instanceof InvalidOptionError) || error.message.startsWith(where)) throw error;
      throw new InvalidOptionError(`${where}: ${error.message}`);
    }
  });
  for (const [i, { name }] of settings.entries()) {
    const first = settings.findIndex((other) => other.name === name);
    if (first === i) continue;
    throw new InvalidOptionError(
      `redis.shards[${i}]: the name ${describeValue(name)} is that of redis.shards[${first}] already`,
    );
  }
  return settings;
}

function oneShard(
  shard: RedisShard,
  timing: Omit<RedisShardsOptions, 'shards' | 'virtualNodes'>,
  where: string,
): ShardSettings {
  rejectUnknownOptions(shard, SHARD, where);
  const { name, weight = 1, sentinel, ...server } = shard;
  if (name !== undefined && (typeof name !== 'string' || name === '' || !name.isWellFormed())) {
    throw new InvalidOptionError(
      `${where}.name: expected a non-empty, well-formed string, got ${describeValue(name)}`,
    );
  }
  if (typeof weight !== 'number' || !(weight > 0) || weight === Infinity) {
    throw new InvalidOptionError(`${where}.weight: expected a number above 0, got ${describeValue(weight)}`);
  }
  if (sentinel === undefined) {
    const redis = { ...server, ...timing };
    const { host, port, database } = serverAddress(redis);
    return { name: name ?? `${host}:${port}${database === 0 ? '' : `/${database}`}`, weight, redis };
  }
  if (name === undefined) {
    throw new InvalidOptionError(`${where}.name: a shard that Sentinel watches over needs a name`);
  }
  const redis = { ...server, ...timing, sentinel };
  sentinelSettings(redis);
  return { name, weight, redis };
}
