import type { CommandArgument, Reply } from './port.js';

/** One live connection, or a client of the user's that stands for one. */
export interface Connection {
  /** Which server it is, where that need not be the same one each time. */
  readonly server?: string;
  /** Writes one command. Rejects with the client's own error; `Driver.isReplyError` tells what it was. */
  send(args: readonly CommandArgument[]): Promise<Reply>;
  /** Called at most once, when the connection is gone for a reason other than `release`. */
  onLost(listener: (cause: unknown) => void): void;
  /**
   * Has the server tell of keys that change, on this connection and in order with its replies: a key, or null for all of
   * them; of a channel, its messages. To be called before the first read. Missing where the client library cannot.
   */
  track?(tracking: Tracking, listener: (news: string | null) => void): Promise<void>;
  /**
   * Whether all commands of the connection are given through `send`, and news of keys that were read come in the order of its
   * replies and of its own changes too, which are then told apart here: see `OwnChanges`.
   */
  readonly tellsOwnChanges?: boolean;
  /** Has the server tell of what is published on a channel. Missing where nobody needs it: of a client of the application's. */
  subscribe?(channel: string, listener: () => void): Promise<void>;
  /** What asks it whether it lives, where `TIME`, which also keeps the clock true, is not allowed. */
  readonly pulse?: readonly CommandArgument[];
  /** Gives it up at once: what is under way rejects. A user's client is only let go of, never closed. */
  release(): void;
}

/**
 * Which changes are told: `reads`, by the server, of keys this connection has read; `prefixes`, by the server, of all keys
 * that begin with one of them (`''` for all there are); `channel`, what others publish there.
 */
export type Tracking =
  | { readonly of: 'reads' }
  | { readonly of: 'prefixes'; readonly prefixes: readonly string[] }
  | { readonly of: 'channel'; readonly channel: string };

/** Knows one client library. */
export interface Driver {
  /** For messages, such as `@redis/client`. */
  readonly name: string;
  /** Where it connects, without secrets. */
  readonly address: string;
  /** One attempt to have a live, authenticated connection. The caller bounds its time through `signal`. */
  open(signal: AbortSignal): Promise<Connection>;
  /** Whether the error is the server's answer to the command, rather than a failure to get one. */
  isReplyError(error: unknown): boolean;
  /** Whether another server may take the place of this one. */
  readonly failsOver?: boolean;
  /** Ends what it keeps between attempts, for good. Missing where that is nothing. */
  close?(): void;
}
