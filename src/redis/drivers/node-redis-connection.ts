import type { Connection, Tracking } from '../connection.js';
import type { CommandArgument, Reply } from '../port.js';
import { fieldOf } from '../reply-field.js';
import { replyText } from '../reply-text.js';

/** 36 is `$`, a bulk string: the number is the protocol's, so that the library need not be imported for its name. */
export const BUFFERS = { typeMapping: { 36: Buffer } };

/**
 * Options of every command, for a client that is ours alone. Given with each command they would be merged with the client's
 * own each time, which costs more than all else that the library does about a command.
 *
 * Its own default of a timeout makes an AbortSignal a command, and does nothing for a command already written.
 */
export const COMMAND_OPTIONS = { ...BUFFERS, timeout: 0 };

/** What is used of a client of `@redis/client` that was made with {@link COMMAND_OPTIONS} and is ours alone. */
export interface OwnNodeRedis {
  connect(): Promise<unknown>;
  destroy(): void;
  subscribe(channel: string, listener: (message: Buffer) => void, bufferMode: true): Promise<unknown>;
  on(event: string, listener: (detail: unknown) => void): unknown;
  sendCommand(args: ReadonlyArray<CommandArgument>): Promise<unknown>;
}

/** A connection over a client that is made for it and thrown away with it. */
export class NodeRedisConnection implements Connection {
  readonly #client: OwnNodeRedis;
  #released = false;
  #tellsOwnChanges = false;

  private constructor(client: OwnNodeRedis) {
    this.#client = client;
    // An EventEmitter with no listener for `error` throws. The loss itself is told through `onLost`.
    client.on('error', () => undefined);
  }

  static async open(client: OwnNodeRedis, signal: AbortSignal): Promise<NodeRedisConnection> {
    const connection = new NodeRedisConnection(client);
    const abandon = (): void => client.destroy();
    signal.addEventListener('abort', abandon, { once: true });
    try {
      await client.connect();
      return connection;
    } finally {
      signal.removeEventListener('abort', abandon);
    }
  }

  get tellsOwnChanges(): boolean {
    return this.#tellsOwnChanges;
  }

  send(args: ReadonlyArray<CommandArgument>): Promise<Reply> {
    return this.#client.sendCommand(args) as Promise<Reply>;
  }

  async track(tracking: Tracking, listener: (news: string | null) => void): Promise<void> {
    if (tracking.of === 'channel') {
      await this.#client.subscribe(tracking.channel, (message) => listener(String(message)), true);
      return;
    }
    this.#client.on('invalidate', (key) => {
      const news = key === null ? null : replyText(key);
      // The library tells of news at once and of replies through their promises: so both come in the order they had.
      queueMicrotask(() => listener(news));
    });
    this.#tellsOwnChanges = tracking.of === 'reads' && (await this.#tellsBehindTheReply());
    // The library has switched tracking on with its own settings; those in force are the last ones given, but for the mode.
    await Promise.all([
      this.send(['CLIENT', 'TRACKING', 'OFF']),
      this.send([
        'CLIENT',
        'TRACKING',
        'ON',
        ...broadcast(tracking),
        ...(this.#tellsOwnChanges ? [] : ['NOLOOP']),
      ]),
    ]);
  }

  /** Of what a command changed, rather than before it: see `OwnChanges`. `HELLO` is allowed to every user. */
  async #tellsBehindTheReply(): Promise<boolean> {
    const version = fieldOf(await this.send(['HELLO']), 'version');
    return Number.parseInt(version ?? '', 10) >= 7;
  }

  async subscribe(channel: string, listener: () => void): Promise<void> {
    await this.#client.subscribe(channel, () => listener(), true);
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

/** The words of `CLIENT TRACKING` that ask for all keys with these prefixes. */
export function broadcast(tracking: Tracking): string[] {
  if (tracking.of !== 'prefixes') return [];
  const prefixes = tracking.prefixes.includes('') ? [] : tracking.prefixes;
  return ['BCAST', ...prefixes.flatMap((prefix) => ['PREFIX', prefix])];
}
