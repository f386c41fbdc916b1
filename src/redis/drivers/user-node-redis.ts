import type { Driver } from '../connection.js';
import type { CommandArgument, Reply } from '../port.js';
import { borrow, type Emitter } from './user-client.js';

/** What is used of a client of `@redis/client` (or of `redis`, which wraps it). */
export interface NodeRedisLike extends Emitter {
  readonly isReady: boolean;
  sendCommand(args: readonly CommandArgument[], options?: object): Promise<unknown>;
}

/** 36 is `$`, a bulk string: the number is the protocol's, so that the library need not be imported for its name. */
const BUFFERS = { timeout: undefined, typeMapping: { 36: Buffer } };

/** A user's own `@redis/client`. While it is not ready nothing is given to it, so its unbounded offline queue stays empty. */
export function userNodeRedisDriver(client: NodeRedisLike): Driver {
  return {
    name: '@redis/client (the application’s)',
    address: 'the application’s client',
    open: (signal) =>
      borrow(client, {
        isReady: () => client.isReady,
        send: (args) => client.sendCommand(args, BUFFERS) as Promise<Reply>,
        lossEvents: ['error', 'end', 'reconnecting', 'terminated'],
        signal,
      }),
    isReplyError: isErrorReply,
  };
}

/** By name, since the application may hold another copy of the library than the one that could be imported here. */
function isErrorReply(error: unknown): boolean {
  for (let proto: unknown = error; proto instanceof Error; proto = Object.getPrototypeOf(proto)) {
    if (proto.constructor.name === 'ErrorReply') return true;
  }
  return false;
}
