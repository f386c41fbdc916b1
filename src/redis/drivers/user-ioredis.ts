import type { Logger } from '../../runtime/logger.js';
import type { Connection, Driver, Tracking } from '../connection.js';
import type { CommandArgument, Reply } from '../port.js';
import { hearApart, PULSE_OF_SUBSCRIBER } from './hear-apart.js';
import { borrow, type Emitter } from './user-client.js';

/** What is used of a client of `ioredis`, of major version 5 or 6. */
export interface IoredisLike extends Emitter {
  readonly status: string;
  readonly options: {
    readonly maxRetriesPerRequest?: number | null;
    readonly autoResendUnfulfilledCommands?: boolean;
    readonly keyPrefix?: string;
  };
  callBuffer(command: string, ...args: CommandArgument[]): Promise<unknown>;
  duplicate?(override: object): IoredisLike;
  connect?(): Promise<void>;
  subscribe?(channel: string): Promise<unknown>;
  disconnect?(): void;
}

const LOSS_EVENTS = ['error', 'close', 'end', 'reconnecting'];
const isReplyError = (error: unknown): boolean => error instanceof Error && error.name === 'ReplyError';

/** A user's own `ioredis`. While it is not ready nothing is given to it, so its offline queue stays empty. */
export function userIoredisDriver(client: IoredisLike, logger: Logger): Driver {
  for (const warning of riskySettings(client)) logger.warn(warning);
  return {
    name: 'ioredis (the application’s)',
    address: 'the application’s client',
    open: (signal) =>
      borrow(client, {
        isReady: () => client.status === 'ready',
        send: sender(client),
        lossEvents: LOSS_EVENTS,
        signal,
      }),
    isReplyError,
  };
}

/** Connections of our own, made as the user's client is made, that only listen. */
export function userIoredisListener(client: IoredisLike): Driver {
  return {
    name: 'a duplicate of the application’s ioredis',
    address: 'the application’s client',
    async open(signal) {
      const duplicate = client.duplicate?.({
        // By RESP3, version 6 drops the news of changed keys.
        protocol: 2,
        lazyConnect: true,
        keyPrefix: '',
        // Connecting again is the link's business.
        retryStrategy: () => null,
        reconnectOnError: null,
        maxRetriesPerRequest: 0,
        enableOfflineQueue: false,
        enableAutoPipelining: false,
        autoResubscribe: false,
      });
      if (!duplicate) throw new Error('the application’s ioredis client cannot be duplicated');
      const ear = new IoredisEar(duplicate, client.options.keyPrefix ?? '');
      const abandon = (): void => ear.release();
      signal.addEventListener('abort', abandon, { once: true });
      try {
        await duplicate.connect?.();
        return ear;
      } finally {
        signal.removeEventListener('abort', abandon);
      }
    },
    isReplyError,
  };
}

class IoredisEar implements Connection {
  readonly pulse = PULSE_OF_SUBSCRIBER;
  readonly #client: IoredisLike;
  readonly #keyPrefix: string;
  readonly send: Connection['send'];
  #onLost: ((cause: unknown) => void) | undefined;
  #gone: Error | undefined;
  #lastError: unknown;

  constructor(client: IoredisLike, keyPrefix: string) {
    this.#client = client;
    this.#keyPrefix = keyPrefix;
    this.send = sender(client);
    client.on('error', (error: unknown) => void (this.#lastError = error));
    for (const event of ['close', 'end']) client.on(event, () => this.#lost());
  }

  track(tracking: Tracking, listener: (news: string | null) => void): Promise<void> {
    const client = this.#client;
    const ear = {
      send: this.send,
      subscribe: async (channel: string, hear: (message: unknown) => void): Promise<void> => {
        client.on('messageBuffer', (from: Buffer, message: unknown) => {
          if (String(from) === channel) hear(message);
        });
        await client.subscribe?.(channel);
      },
    };
    return hearApart(ear, tracking, listener, tracking.of === 'channel' ? '' : this.#keyPrefix);
  }

  onLost(listener: (cause: unknown) => void): void {
    if (this.#gone) listener(this.#gone);
    else this.#onLost = listener;
  }

  release(): void {
    this.#onLost = undefined;
    this.#client.disconnect?.();
  }

  #lost(): void {
    const tell = this.#onLost;
    this.#onLost = undefined;
    this.#gone ??= new Error('the connection that listens was lost', { cause: this.#lastError });
    tell?.(this.#gone);
  }
}

function sender(client: IoredisLike): Connection['send'] {
  return (args) => client.callBuffer(String(args[0]), ...args.slice(1)) as Promise<Reply>;
}

function riskySettings({ options }: IoredisLike): string[] {
  if (options.maxRetriesPerRequest === 0) return [];
  const remedy = `set maxRetriesPerRequest: 0 (it is ${options.maxRetriesPerRequest ?? 'unlimited'})`;
  return [
    options.autoResendUnfulfilledCommands === false
      ? `the ioredis client forgets commands that were under way when its connection was lost (autoResendUnfulfilledCommands ` +
        `is false), and never settles their promises; what Tiercel asked settles by its deadline all the same; ${remedy}`
      : `the ioredis client sends commands again that were under way when its connection was lost, so that a write may be ` +
        `carried out twice, late; ${remedy}`,
  ];
}
