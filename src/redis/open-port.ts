import { InvalidOptionError, MissingPeerError } from '../errors.js';
import { silentLogger, type Logger } from '../runtime/logger.js';
import { describeValue } from '../validate.js';
import type { Driver } from './connection.js';
import { userIoredisDriver, type IoredisLike } from './drivers/user-ioredis.js';
import { userNodeRedisDriver, type NodeRedisLike } from './drivers/user-node-redis.js';
import {
  checkClientOptions,
  poolSettings,
  serverAddress,
  type RedisClientOptions,
  type RedisOptions,
  type RedisServerOptions,
  type ServerAddress,
} from './options.js';
import type { RedisPort } from './port.js';
import { SingleServerPort } from './single-server-port.js';

/** The port for what the option `redis` says. It connects in the background; wrong options throw at once. */
export function openPort(redis: RedisOptions, logger: Logger = silentLogger): RedisPort {
  if (typeof redis === 'string') return openServer({ url: redis });
  if (typeof redis !== 'object' || redis === null) {
    throw new InvalidOptionError(
      `redis: expected a URL or an object of options, got ${describeValue(redis)}`,
    );
  }
  return 'client' in redis ? openUserClient(redis, logger) : openServer(redis);
}

function openServer(options: RedisServerOptions): RedisPort {
  return new SingleServerPort(defaultDriver(serverAddress(options)), poolSettings(options));
}

function openUserClient(options: RedisClientOptions, logger: Logger): RedisPort {
  checkClientOptions(options);
  return new SingleServerPort(
    driverFor(options.client, logger),
    poolSettings({ ...options, connections: 1 }),
  );
}

function driverFor(client: unknown, logger: Logger): Driver {
  if (has(client, 'callBuffer')) return userIoredisDriver(client as IoredisLike, logger);
  if (has(client, 'sendCommand') && 'isReady' in client) return userNodeRedisDriver(client as NodeRedisLike);
  throw new InvalidOptionError(
    `redis.client: expected a client of @redis/client or ioredis, got ${describeValue(client)}`,
  );
}

function has(client: unknown, method: string): client is object {
  return typeof client === 'object' && client !== null && typeof Reflect.get(client, method) === 'function';
}

/** The client library is an optional peer, so it is loaded by the first attempt to connect and not before. */
function defaultDriver(server: ServerAddress): Driver {
  let loaded: Driver | undefined;
  return {
    name: '@redis/client',
    address: `${server.host}:${server.port}`,
    async open(signal) {
      loaded ??= (await loadNodeRedis()).nodeRedisDriver(server);
      return loaded.open(signal);
    },
    isReplyError: (error) => loaded?.isReplyError(error) ?? false,
  };
}

async function loadNodeRedis(): Promise<{ nodeRedisDriver(server: ServerAddress): Driver }> {
  try {
    return await import('./drivers/node-redis.js');
  } catch (cause) {
    throw new MissingPeerError('the package @redis/client is not installed; run: npm install @redis/client', {
      cause,
    });
  }
}
