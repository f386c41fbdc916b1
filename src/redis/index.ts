/** The way to Redis by itself: for those who write a driver or test against the port. */
export type { Connection, Driver } from './connection.js';
export { nodeRedisDriver } from './drivers/node-redis.js';
export { poolSettings, serverAddress, type PoolSettings, type ServerAddress } from './options.js';
export type { Command, CommandArgument, PortState, RedisPort, Reply, StateChange } from './port.js';
export { SingleServerPort } from './single-server-port.js';
