import { createClient, ErrorReply, RESP_TYPES } from '@redis/client';
import type { Connection, Driver, Tracking } from '../connection.js';
import type { Reply } from '../port.js';
import type { ServerAddress } from '../options.js';

const BUFFERS = { typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer } };

/** A client that is thrown away with its connection: when to connect again is the link's decision, not the library's. */
type DisposableClient = ReturnType<typeof disposableClient>;

function disposableClient(server: ServerAddress, tracking: boolean) {
  const tls = typeof server.tls === 'object' ? { ...server.tls, tls: true as const } : server.tls;
  return createClient({
    socket: {
      host: server.host,
      port: server.port,
      connectTimeout: server.connectTimeout,
      reconnectStrategy: false,
      ...(typeof tls === 'object' ? tls : tls ? { tls: true as const } : {}),
    },
    ...(server.username !== undefined && { username: server.username }),
    ...(server.password !== undefined && { password: server.password }),
    database: server.database,
    name: server.name,
    RESP: 3,
    // Its own default costs an AbortSignal a command and does nothing for a command already written.
    commandOptions: { timeout: 0 },
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
      const client = disposableClient(server, tracking);
      const connection = new NodeRedisConnection(client);
      const abandon = (): void => client.destroy();
      signal.addEventListener('abort', abandon, { once: true });
      try {
        await client.connect();
        return connection;
      } finally {
        signal.removeEventListener('abort', abandon);
      }
    },
    isReplyError: (error) => error instanceof ErrorReply,
  };
}

class NodeRedisConnection implements Connection {
  readonly #client: DisposableClient;
  #released = false;

  constructor(client: DisposableClient) {
    this.#client = client;
    // An EventEmitter with no listener for `error` throws. The loss itself is told through `onLost`.
    client.on('error', () => undefined);
  }

  send(args: ReadonlyArray<string | Buffer>): Promise<Reply> {
    return this.#client.sendCommand<Reply>(args, BUFFERS);
  }

  async track(tracking: Tracking, listener: (key: string | null) => void): Promise<void> {
    this.#client.on('invalidate', (key: Buffer | string | null) =>
      listener(key === null ? null : String(key)),
    );
    // The library has switched tracking on with its own settings; those in force are the last ones given, but for the mode.
    const prefix = tracking.of === 'prefix' && tracking.prefix !== '' ? ['PREFIX', tracking.prefix] : [];
    const mode = tracking.of === 'prefix' ? ['BCAST', ...prefix] : [];
    await Promise.all([
      this.send(['CLIENT', 'TRACKING', 'OFF']),
      // What is written here is known here, so the server need not tell.
      this.send(['CLIENT', 'TRACKING', 'ON', ...mode, 'NOLOOP']),
    ]);
  }

  async subscribe(channel: string, listener: () => void): Promise<void> {
    await this.#client.subscribe(channel, () => listener());
  }

  onLost(listener: (cause: unknown) => void): void {
    let told = false;
    this.#client.on('error', (cause: unknown) => {
      if (told || this.#released) return;
      told = true;
      this.#client.destroy();
      listener(cause);
    });
  }

  release(): void {
    this.#released = true;
    this.#client.destroy();
  }
}
