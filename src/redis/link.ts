import { ReadCoalescer } from './read-coalescer.js';
import { ClosedError, ConnectionError, OverloadedError, type CacheError } from '../errors.js';
import { backoff } from '../resilience/backoff.js';
import { DeadlineBatch } from '../resilience/deadline-batch.js';
import { openConnection, type ChangeListening } from './open-connection.js';
import type { Connection, Driver } from './connection.js';
import { Heartbeat } from './heartbeat.js';
import { OwnChanges, ownChange } from './own-changes.js';
import { PendingReply, type ReplyObserver } from './pending-reply.js';
import type { CommandArgument, PortState, Reader, Receiver, Reply, StateChange } from './port.js';
import { toCacheError } from './reply-error.js';
import type { ServerClock } from './server-clock.js';

/** All in milliseconds but `maxInFlight`. */
export interface LinkSettings {
  readonly connectTimeout: number;
  readonly commandTimeout: number;
  readonly heartbeatInterval: number;
  readonly retryDelay: { readonly min: number; readonly max: number };
  /** Commands that may wait for an answer at once; one more is refused, so that a dead server cannot fill our memory. */
  readonly maxInFlight: number;
  /** Keys that may be read by one command have the same text here; of undefined, none with another. Left out: all may. */
  readonly togetherBy?: ((key: string) => string | undefined) | undefined;
}

/** One connection is there or it is not. */
export type LinkState = Exclude<PortState, 'degraded'>;

/** A live connection with the count of what is under way on it; a connection that is replaced takes its count along. */
interface Carrier extends ReplyObserver {
  readonly connection: Connection;
  /** Missing where the server does not tell of them. */
  readonly own: OwnChanges | undefined;
  inFlight: number;
}

/** A silent connection is replaced after this long: it may be half-open, with a server that knows nothing of it. */
const REPLACE_AFTER_SILENCE = 1000;
/** Keeps the clock true besides. */
const PULSE = ['TIME'];
/** While callers ask, a lost connection is sought at least this often, however far the backoff has grown. */
const SEEK_WHEN_ASKED = 250;

/**
 * Keeps one connection to one server alive, and settles every command by its deadline.
 *
 * Client libraries keep the promise of a written command open for as long as the socket is; a server that is stopped, or a
 * peer that vanished without a FIN, so hangs every caller. Here each turn's commands share one deadline. When it passes and
 * nothing at all was heard meanwhile, the link is `silent`: further commands fail at once, which is what spares callers a
 * deadline each, and the first late answer makes it `ready` again. Silence that lasts gets a second connection beside the
 * first; whichever speaks first is kept.
 */
export class RedisLink {
  readonly #driver: Driver;
  readonly #settings: LinkSettings;
  readonly #clock: ServerClock;
  readonly #changes: ChangeListening | undefined;
  readonly #listeners = new Set<(change: StateChange) => void>();
  readonly #backoff: (attempt: number) => number;
  readonly #reads: ReadCoalescer;
  readonly #heartbeat: Heartbeat;
  /** What a failure means for the link is noted where it happens. */
  readonly #timeReceiver: Receiver<Reply> = {
    received: (reply) => void this.#clock.hear(reply),
    failed: () => undefined,
  };
  #state: LinkState = 'connecting';
  #cause: CacheError | undefined;
  #current: Carrier | undefined;
  /** The server of the latest connection, where the driver tells. */
  #server: string | undefined;
  #batch: DeadlineBatch | undefined;
  /** The last batch with a deadline of its own, as long as its turn is. */
  #solo: DeadlineBatch | undefined;
  #soloDeadline = 0;
  #waitingForFirst = 0;
  #answers = 0;
  #attempts = 0;
  #attempt: AbortController | undefined;
  #lastAttemptEnded = 0;
  #retry: NodeJS.Timeout | undefined;
  #replacement: NodeJS.Timeout | undefined;
  /** When the server last answered, by `performance.now()`; `Infinity` as long as there was no connection yet. */
  lastHeard = Infinity;
  /** When a caller last asked for something, by `performance.now()`. */
  lastUsed = performance.now();

  constructor(driver: Driver, settings: LinkSettings, clock: ServerClock, changes?: ChangeListening) {
    this.#driver = driver;
    this.#settings = settings;
    this.#clock = clock;
    this.#changes = changes;
    const { togetherBy } = settings;
    const read = (key: string, reader: Reader, slot: number): void => this.sendTo(['GET', key], reader, slot);
    this.#reads = new ReadCoalescer((args) => this.send(args), togetherBy && { togetherBy, read });
    this.#heartbeat = new Heartbeat(settings.heartbeatInterval, (since) => this.#pulse(since));
    this.#backoff = backoff({ base: settings.retryDelay.min, cap: settings.retryDelay.max });
    this.#seek();
  }

  get state(): LinkState {
    return this.#state;
  }

  /** Why there is no connection, where there is none. */
  get cause(): CacheError | undefined {
    return this.#cause;
  }

  get inFlight(): number {
    return this.#current?.inFlight ?? 0;
  }

  /** How many attempts to connect have failed since the last one that did not. */
  get failedAttempts(): number {
    return this.#attempts;
  }

  onStateChange(listener: (change: StateChange) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** The bytes of a string key. Reads of one turn travel as one command, but for those with a deadline of their own. */
  get(key: string, deadline?: number): Promise<Buffer | null> {
    if (deadline === undefined) return this.#reads.get(key);
    return this.send(['GET', key], deadline) as Promise<Buffer | null>;
  }

  /** See `RedisPort.readTo`. */
  readTo(key: string, reader: Reader, slot: number, source: object | undefined): void {
    this.#reads.read(key, reader, slot, source);
  }

  /** @param deadline - when it must be settled, by `performance.now()`; `commandTimeout` from now if left out. */
  send(args: readonly CommandArgument[], deadline?: number): Promise<Reply> {
    return new Promise((received, failed) => this.sendTo(args, { received, failed }, 0, deadline));
  }

  /** The same without a promise. */
  sendTo(args: readonly CommandArgument[], receiver: Receiver<Reply>, slot: number, deadline?: number): void {
    if (this.#state === 'ready' && this.#current)
      void this.#write(this.#current, args, receiver, slot, deadline);
    else if (this.#state === 'connecting') this.#sendOnceConnected(args, receiver, slot, deadline);
    else receiver.failed(this.#refusal(), slot);
  }

  close(cause: CacheError = new ClosedError('the cache was closed')): void {
    if (this.#state === 'closed') return;
    this.#stopTimers();
    this.#attempt?.abort(cause);
    this.#current?.connection.release();
    this.#current = undefined;
    this.#become('closed', cause);
    this.#listeners.clear();
  }

  /** @returns what the client itself says of it, at whatever time; undefined where it was refused. */
  #write(
    carrier: Carrier,
    args: readonly CommandArgument[],
    receiver: Receiver<Reply>,
    slot: number,
    deadline?: number,
  ): Promise<Reply> | undefined {
    if (carrier.inFlight >= this.#settings.maxInFlight) {
      const error = new OverloadedError(
        `${carrier.inFlight} commands already wait for Redis at ${this.#driver.address}`,
      );
      receiver.failed(error, slot);
      return undefined;
    }
    const batch = deadline === undefined ? (this.#batch ??= this.#openBatch()) : this.#batchFor(deadline);
    carrier.inFlight++;
    const change = carrier.own && ownChange(args);
    const sent = carrier.connection.send(args);
    new PendingReply(carrier, batch, receiver, slot, change).follow(sent);
    return sent;
  }

  #openBatch(): DeadlineBatch {
    const answersBefore = this.#answers;
    const batch = new DeadlineBatch(this.#settings.commandTimeout, () => this.#deadlinePassed(answersBefore));
    setImmediate(() => {
      batch.seal();
      this.#batch = undefined;
    });
    return batch;
  }

  /** For operations of several commands, which share one deadline. Those of one turn and one millisecond share a timer, too. */
  #batchFor(deadline: number): DeadlineBatch {
    if (this.#solo && Math.abs(deadline - this.#soloDeadline) < 1) return this.#solo;
    const answersBefore = this.#answers;
    const left = deadline - performance.now();
    const batch = new DeadlineBatch(left, () => {
      // An operation's last command may get little of its time: that the server missed so short a deadline proves nothing.
      if (left >= this.#settings.commandTimeout / 2) this.#deadlinePassed(answersBefore);
    });
    this.#solo = batch;
    this.#soloDeadline = deadline;
    setImmediate(() => {
      batch.seal();
      if (this.#solo === batch) this.#solo = undefined;
    });
    return batch;
  }

  #sendOnceConnected(
    args: readonly CommandArgument[],
    receiver: Receiver<Reply>,
    slot: number,
    deadline?: number,
  ): void {
    if (this.#waitingForFirst >= this.#settings.maxInFlight) {
      const error = new OverloadedError(
        `${this.#waitingForFirst} commands already wait for the first connection`,
      );
      receiver.failed(error, slot);
      return;
    }
    const until = deadline ?? performance.now() + this.#settings.commandTimeout;
    this.#waitingForFirst++;
    const finish = (proceed: boolean): void => {
      clearTimeout(timer);
      stopListening();
      this.#waitingForFirst--;
      if (proceed) this.sendTo(args, receiver, slot, until);
      else receiver.failed(this.#refusal(), slot);
    };
    const timer = setTimeout(() => finish(false), Math.max(0, until - performance.now()));
    const stopListening = this.onStateChange((change) => finish(change.state === 'ready'));
  }

  #refusal(): CacheError {
    if (this.#state === 'closed') return new ClosedError('the cache was closed');
    if (this.#state === 'lost') this.#seekWhenAsked();
    const why = {
      connecting: 'is not connected yet',
      silent: 'accepts commands and does not answer',
      lost: 'cannot be reached',
      ready: 'was lost',
    }[this.#state];
    return new ConnectionError(`Redis at ${this.#driver.address} ${why}`, {
      cause: this.#cause,
      sent: false,
    });
  }

  #answered(carrier: Carrier): void {
    carrier.inFlight--;
    if (carrier !== this.#current) return;
    this.#answers++;
    this.lastHeard = performance.now();
    if (this.#state !== 'silent') return;
    clearTimeout(this.#replacement);
    this.#attempt?.abort(new ConnectionError('the first connection answered after all'));
    this.#become('ready');
  }

  #deadlinePassed(answersBefore: number): void {
    if (this.#state !== 'ready' || this.#answers !== answersBefore) return;
    this.#become('silent', new ConnectionError(`Redis at ${this.#driver.address} does not answer`));
    this.#replacement = setTimeout(() => this.#seek(), REPLACE_AFTER_SILENCE).unref();
  }

  /** Starts one attempt to connect, unless one is under way. */
  #seek(): void {
    clearTimeout(this.#retry);
    this.#retry = undefined;
    if (this.#attempt || this.#state === 'closed') return;
    const attempt = (this.#attempt = new AbortController());
    const own = new OwnChanges();
    openConnection(
      this.#driver,
      this.#clock,
      this.#settings.connectTimeout,
      attempt.signal,
      this.#changes && withoutOwn(this.#changes, own),
    ).then(
      (connection) => {
        this.#attempt = undefined;
        this.#adopt(connection, own);
      },
      (error: unknown) => {
        this.#attempt = undefined;
        this.#attemptFailed(this.#toCacheError(error));
      },
    );
  }

  #adopt(connection: Connection, own: OwnChanges): void {
    if (this.#state === 'closed' || this.#state === 'ready') {
      connection.release();
      return;
    }
    this.#current?.connection.release();
    const carrier: Carrier = {
      connection,
      own: connection.tellsOwnChanges ? own : undefined,
      inFlight: 0,
      answered: (change, reply) => {
        carrier.own?.answered(change, reply);
        this.#answered(carrier);
      },
      dropped: () => void carrier.inFlight--,
      isReplyError: (error) => this.#driver.isReplyError(error),
      toCacheError: (error) => this.#toCacheError(error),
    };
    this.#current = carrier;
    this.#attempts = 0;
    connection.onLost((cause) => {
      if (this.#current === carrier) this.#lost(this.#toCacheError(cause));
    });
    if (this.#current !== carrier) return; // lost since it was opened, and told so at once
    this.lastHeard = performance.now();
    const replaced = this.#server !== undefined && this.#server !== connection.server;
    this.#server = connection.server;
    this.#become('ready', undefined, { renewed: true, replaced });
    this.#heartbeat.start();
  }

  #toCacheError(error: unknown): CacheError {
    return toCacheError(error, this.#driver.isReplyError(error), this.#driver.address);
  }

  #lost(cause: CacheError): void {
    this.#current = undefined;
    this.#heartbeat.stop();
    clearTimeout(this.#replacement);
    this.#become('lost', cause);
    this.#seek();
  }

  #attemptFailed(cause: CacheError): void {
    if (this.#state === 'closed' || this.#state === 'ready') return;
    this.#attempts++;
    this.#lastAttemptEnded = performance.now();
    if (this.#state === 'silent') {
      this.#replacement = setTimeout(() => this.#seek(), REPLACE_AFTER_SILENCE).unref();
      return;
    }
    this.#become('lost', cause);
    this.#retry = setTimeout(() => this.#seek(), this.#backoff(this.#attempts - 1)).unref();
  }

  #seekWhenAsked(): void {
    if (this.#retry && performance.now() - this.#lastAttemptEnded >= SEEK_WHEN_ASKED) this.#seek();
  }

  /** A regular question keeps the clock true and finds a half-open connection before a caller does. */
  #pulse(since: number): void {
    const carrier = this.#current;
    if (!carrier || this.#state !== 'ready') return;
    const sent = this.#write(carrier, carrier.connection.pulse ?? PULSE, this.#timeReceiver, 0);
    const onLag = this.#changes?.onLag;
    if (!sent || !onLag) return;
    // Of whatever kind it is, and past its deadline too: news were as late. Not one by a later connection, as where the
    // application's client asks again: what the first would have told was lost with it.
    const answered = (): void => {
      if (carrier === this.#current) onLag(performance.now() - since);
    };
    sent.then(answered, (error: unknown) => {
      if (this.#driver.isReplyError(error)) answered();
    });
  }

  #become(state: LinkState, cause?: CacheError, { renewed = false, replaced = false } = {}): void {
    const previous = this.#state;
    this.#state = state;
    this.#cause = cause;
    // Failed attempts in a row are told too: `connect()` counts them.
    if (state === previous && state !== 'lost') return;
    const change: StateChange = { state, previous, renewed, replaced, cause };
    for (const listener of this.#listeners) listener(change);
  }

  #stopTimers(): void {
    clearTimeout(this.#retry);
    clearTimeout(this.#replacement);
    this.#heartbeat.stop();
  }
}

function withoutOwn(changes: ChangeListening, own: OwnChanges): ChangeListening {
  return {
    ...changes,
    listener: (news) => {
      if (!own.has(news)) changes.listener(news);
    },
  };
}
