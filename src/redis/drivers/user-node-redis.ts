import type { Connection, Driver, Tracking } from '../connection.js';
import type { CommandArgument, Reply } from '../port.js';
import { hearApart, PULSE_OF_SUBSCRIBER } from './hear-apart.js';
import { BUFFERS, COMMAND_OPTIONS, NodeRedisConnection, type OwnNodeRedis } from './node-redis-connection.js';
import { borrow, type Emitter } from './user-client.js';

/** What is used of a client of `@redis/client` (or of `redis`, which wraps it). */
export interface NodeRedisLike extends Emitter {
  readonly isReady: boolean;
  readonly options?: { readonly emitInvalidate?: boolean; readonly socket?: object | undefined } | undefined;
  duplicate?(overrides: object): OwnNodeRedis;
  sendCommand(args: readonly CommandArgument[], options?: object): Promise<unknown>;
}

const OPTIONS = { ...BUFFERS, timeout: undefined };

/** Whether the client was made to tell of changed keys. */
export function canListen(client: unknown): boolean {
  return (client as Partial<NodeRedisLike> | undefined | null)?.options?.emitInvalidate === true;
}

/** A user's own `@redis/client`. While it is not ready nothing is given to it, so its unbounded offline queue stays empty. */
export function userNodeRedisDriver(client: NodeRedisLike): Driver {
  return {
    name: '@redis/client (the application’s)',
    address: 'the application’s client',
    open: async (signal) => {
      const connection = await borrow(client, {
        isReady: () => client.isReady,
        send: (args) => client.sendCommand(args, OPTIONS) as Promise<Reply>,
        lossEvents: ['error', 'end', 'reconnecting', 'terminated'],
        signal,
      });
      return canListen(client) ? listening(client, connection) : connection;
    },
    isReplyError: isErrorReply,
  };
}

/**
 * Connections of our own, made as the user's client is made, that only listen. By RESP2, since version 5 of the library drops
 * news of changed keys that come by RESP3.
 */
export function userNodeRedisListener(client: NodeRedisLike): Driver {
  return {
    name: 'a duplicate of the application’s @redis/client',
    address: 'the application’s client',
    async open(signal) {
      const duplicate = client.duplicate?.({
        RESP: 2,
        emitInvalidate: false,
        clientSideCache: undefined,
        maintNotifications: 'disabled',
        pingInterval: undefined,
        commandOptions: COMMAND_OPTIONS,
        disableOfflineQueue: true,
        // Connecting again is the link's business.
        socket: { ...client.options?.socket, reconnectStrategy: false },
      });
      if (!duplicate) throw new Error('the application’s client of @redis/client cannot be duplicated');
      return new NodeRedisEar(duplicate, await NodeRedisConnection.open(duplicate, signal));
    },
    isReplyError: isErrorReply,
  };
}

class NodeRedisEar implements Connection {
  readonly pulse = PULSE_OF_SUBSCRIBER;
  readonly #client: OwnNodeRedis;
  readonly #connection: NodeRedisConnection;

  constructor(client: OwnNodeRedis, connection: NodeRedisConnection) {
    this.#client = client;
    this.#connection = connection;
  }

  send(args: readonly CommandArgument[]): Promise<Reply> {
    return this.#connection.send(args);
  }

  track(tracking: Tracking, listener: (news: string | null) => void): Promise<void> {
    const ear = {
      send: (args: readonly CommandArgument[]) => this.send(args),
      subscribe: (channel: string, hear: (message: unknown) => void) =>
        this.#client.subscribe(channel, hear, true),
    };
    return hearApart(ear, tracking, listener);
  }

  onLost(listener: (cause: unknown) => void): void {
    this.#connection.onLost(listener);
  }

  release(): void {
    this.#connection.release();
  }
}

/**
 * A client made with `emitInvalidate` has tracking on, and switches it on again with every connection. Its settings are left
 * as they are: were it told not to mention its own writes, those of the application through it would go unheard.
 */
function listening(client: NodeRedisLike, connection: Connection): Connection {
  let heard: ((key: Buffer | string | null) => void) | undefined;
  return {
    send: (args) => connection.send(args),
    onLost: (listener) => connection.onLost(listener),
    async track(tracking, listener) {
      if (tracking.of !== 'reads')
        throw new Error('this client tells of keys that it has read, and of nothing else');
      heard = (key) => listener(key === null ? null : String(key));
      client.on('invalidate', heard);
    },
    release() {
      if (heard) client.off('invalidate', heard);
      connection.release();
    },
  };
}

/** By name, since the application may hold another copy of the library than the one that could be imported here. */
export function isErrorReply(error: unknown): boolean {
  for (let proto: unknown = error; proto instanceof Error; proto = Object.getPrototypeOf(proto)) {
    if (proto.constructor.name === 'ErrorReply') return true;
  }
  return false;
}
