import type { CacheError } from '../errors.js';

/** One word of a command. Buffers are sent as they are; strings as UTF-8. */
export type CommandArgument = string | Buffer;

/** What a server answers: bulk strings arrive as Buffers that the receiver must copy if it keeps them. */
export type Reply =
  | Buffer
  | string
  | number
  | bigint
  | boolean
  | null
  | undefined
  | readonly Reply[]
  | object;

/** One command about one key (a Lua script about keys that live together names the first). */
export interface Command {
  /** The key that decides which server, or which connection, carries the command out. */
  readonly key: string;
  readonly args: readonly CommandArgument[];
}

/**
 * - `connecting`: never connected so far, and the first attempt is under way; commands wait for it, within their deadline.
 * - `ready`: commands are sent.
 * - `silent`: the server accepted commands and has not answered within a deadline; commands fail at once until it speaks.
 * - `lost`: no connection; commands fail at once while a new one is sought.
 * - `degraded`: of several connections or servers some are silent or lost: commands for their keys fail at once, and all others
 *   are sent.
 * - `closed`: for good.
 */
export type PortState = 'connecting' | 'ready' | 'silent' | 'lost' | 'degraded' | 'closed';

/** Some of the keys: those that one of several connections vouches for. */
export interface KeyPart {
  /** Where the connection goes, for messages. */
  readonly name: string;
  /** Whether the key is one of them, now. */
  has(redisKey: string): boolean;
  /** When the server of that connection last gave a sign of life, by `performance.now()`. */
  lastHeard(): number;
}

export interface StateChange {
  readonly state: PortState;
  readonly previous: PortState;
  /** Whether there is a new connection: what was learned of changes on an earlier one proves nothing any more. */
  readonly renewed: boolean;
  /**
   * Whether that is to another server than the one before. Redis replicates asynchronously, so what the one before has
   * confirmed lately may be missing there.
   */
  readonly replaced?: boolean;
  /** Why the connection went, or could not be had. */
  readonly cause: CacheError | undefined;
  /** Which keys it concerns, where a deployment of several servers has a connection to each; left out, all of them. */
  readonly part?: KeyPart | undefined;
}

/**
 * Who is told how things went that were asked without a promise each: a promise a key would cost more than the key. For each
 * thing one of the two is called, once, with the number it was asked under; perhaps before the call that asked returns. What
 * they throw would be lost, and keep others from their answers: they do not throw.
 */
export interface Receiver<T> {
  received(answer: T, slot: number): void;
  failed(error: CacheError, slot: number): void;
}

/** Who reads keys. The bytes belong to a larger, short-lived buffer: copy what is to be kept. */
export type Reader = Receiver<Buffer | null>;

/** Which server has which keys. */
export interface Layout {
  /** The same as long as nothing changes. */
  readonly version: string;
  /** Whether some keys are on their way. */
  readonly isMoving: boolean;
}

/**
 * The few things the cache asks of Redis. Everything above this line is the same for one server, a Cluster, Sentinel or
 * shards; everything below it is the business of a driver.
 *
 * Commands given in one turn of the event loop travel together. Every promise settles by its deadline, also when the
 * server is silent, and rejects with a `CacheError` only.
 */
export interface RedisPort {
  readonly state: PortState;
  /** Where this goes, for messages: never with a password. */
  readonly address: string;
  /**
   * The servers that hold keys, each as a port of its own: for what concerns all keys rather than one, such as SCAN and INFO.
   * Of one server, itself. Asked for anew each time: a Cluster's change.
   */
  readonly servers: readonly RedisPort[];
  /**
   * Where keys are divided for good over servers that fail independently, the one that holds the key. Missing where the keys
   * share one fate, or move.
   */
  shardOf?(key: string): RedisPort;
  /** Whether another server may take the place of one; see `StateChange.replaced`. */
  readonly failsOver?: boolean;
  /**
   * Where keys may move from server to server: asks all of them who has what. One command may then name keys of one slot
   * only. Missing where keys stay where they are.
   */
  layout?(): Promise<Layout>;
  /** Resolves when commands can be sent; rejects with the last attempt's error after `connectTimeout`. */
  connect(): Promise<void>;
  /** The bytes of a string key; null when there is none. */
  get(key: string, deadline?: number): Promise<Buffer | null>;
  /**
   * The same by the common deadline and without a promise, for reads that are many and hot. However it is asked, a key stands
   * once in a command.
   *
   * @param source - who asks for no key twice in one turn of the event loop: a turn in which but one asks needs no look for keys
   * that stand there twice. Undefined for who may.
   */
  readTo(key: string, reader: Reader, slot: number, source: object | undefined): void;
  /** The bytes of many keys in the order asked; a key's own error stands in its place. */
  getMany(keys: readonly string[], deadline?: number): Promise<Array<Buffer | null | CacheError>>;
  send(command: Command, deadline?: number): Promise<Reply>;
  /** The same by the common deadline and without a promise. */
  sendTo(command: Command, receiver: Receiver<Reply>, slot: number): void;
  /** Sends all as one pipeline. Never rejects: an error stands in its command's place. */
  sendAll(commands: readonly Command[], deadline?: number): Promise<Array<Reply | CacheError>>;
  /** When an operation that begins now must be settled, in the clock of `performance.now()`. */
  deadline(): number;
  /**
   * Server time in ms since the epoch, never ahead of the server's own clock (behind it by at most one round trip), so that
   * processes with crooked clocks agree. The local clock until a server has told its own.
   */
  serverNow(): number;
  /** Whether the connections that read are told of keys that change, so that copies of what was read may be kept. */
  readonly tracking: boolean;
  /**
   * A key of Redis was changed or removed by anyone but this port; null: any of them may have been, or any of the part that
   * is given. Called in order with the replies, before the promises of later replies settle.
   */
  onInvalidate(listener: (key: string | null, part?: KeyPart) => void): void;
  /**
   * Tells how late news of changes are: within so many milliseconds all was heard of that changed at some moment lately. About
   * every `heartbeatInterval`, of each connection that tells of changes; of none without `tracking`.
   *
   * It is the time from a question's being due to its answer's being taken up here, and so a bound: news of what changed when it
   * was due, or since and before the server answered, come before the answer or together with it.
   */
  onLag(listener: (milliseconds: number) => void): void;
  /**
   * When the server last gave a sign of life, by `performance.now()`; at most `heartbeatInterval` older than the truth.
   * `Infinity` before the first connection.
   */
  lastHeard(): number;
  /** Tells of every connection there is. Returns the function that takes the listener away again. */
  onStateChange(listener: (change: StateChange) => void): () => void;
  /** Waits for commands under way, at most until their deadline, then closes what was opened here. */
  close(): Promise<void>;
}
