import { createClient, ErrorReply } from '@redis/client';
import type { Driver } from '../connection.js';
import type { ServerAddress } from '../options.js';
import { COMMAND_OPTIONS, NodeRedisConnection } from './node-redis-connection.js';

/** Handed on to the socket. By default it takes 16 KiB before the library waits for it: a turn's writes are many system calls. */
const SOCKET = { writableHighWaterMark: 256 * 1024 };

/** A client that is thrown away with its connection: when to connect again is the link's decision, not the library's. */
function disposableClient(server: ServerAddress, tracking: boolean) {
  const tls = typeof server.tls === 'object' ? { ...server.tls, tls: true as const } : server.tls;
  return createClient({
    socket: {
      host: server.host,
      port: server.port,
      connectTimeout: server.connectTimeout,
      reconnectStrategy: false,
      ...SOCKET,
      ...(typeof tls === 'object' ? tls : tls ? { tls: true as const } : {}),
    },
    ...(server.username !== undefined && { username: server.username }),
    ...(server.password !== undefined && { password: server.password }),
    database: server.database,
    name: server.name,
    RESP: 3,
    commandOptions: COMMAND_OPTIONS,
    disableOfflineQueue: true,
    maintNotifications: 'disabled',
    emitInvalidate: tracking,
  });
}

/** The default driver: `@redis/client`, through `sendCommand` with Buffers. */
export function nodeRedisDriver(server: ServerAddress, tracking: boolean): Driver {
  return {
    name: '@redis/client',
    address: `${server.host}:${server.port}`,
    async open(signal) {
      signal.throwIfAborted(); // while the library was loaded; nobody would end what is begun now
      return NodeRedisConnection.open(disposableClient(server, tracking), signal);
    },
    isReplyError: (error) => error instanceof ErrorReply,
  };
}
