import { ConnectionError } from '../../errors.js';
import { untilAborted } from '../../runtime/until-aborted.js';
import type { Connection, Driver, Tracking } from '../connection.js';
import type { ServerAddress } from '../options.js';
import type { CommandArgument, Reply } from '../port.js';
import { isSame, PrimaryWatch, type PrimaryAddress } from './primary-watch.js';
import { fieldOf } from '../reply-field.js';
import type { SentinelSettings } from './sentinel-options.js';

/** Makes the driver for one server. */
export type ServerDriver = (address: ServerAddress, tracking: boolean) => Driver;

/**
 * Connects to the primary that the sentinels name, if it says itself that it is one. A connection counts as lost as soon as
 * they name another, the server says that it is no primary any more, or it refuses a write for that reason; the link then
 * connects again and is brought to the new one.
 *
 * So a primary that was frozen or cut off, and goes on as a primary for as long as nobody has told it otherwise, has no
 * callers left by then. What it confirmed and had not passed on is lost with it, since Redis replicates asynchronously; the
 * invalidations among that are told to the new primary again (`NamespaceRecovery`).
 */
export function sentinelDriver(
  settings: SentinelSettings,
  driverOf: ServerDriver,
  tracking: boolean,
): Driver {
  const { name, sentinels } = settings;
  const watch = new PrimaryWatch(
    name,
    sentinels.map((address) => driverOf(address, false)),
  );
  const places = sentinels.map(({ host, port }) => `${host}:${port}`).join(', ');
  let latest: Driver | undefined;
  const open = async (signal: AbortSignal): Promise<Connection> => {
    const stopSeeking = watch.seek();
    try {
      for (;;) {
        const address = await untilAborted(watch.ask(), signal);
        const { host, port } = address;
        latest = driverOf({ ...settings.login, host, port }, tracking);
        const connection = await openUnlessMoved(latest, address, watch, signal);
        if (connection) return connection;
      }
    } finally {
      stopSeeking();
    }
  };
  return {
    name: '@redis/client',
    address: `the primary '${name}' of Sentinel (${places})`,
    failsOver: true,
    open,
    isReplyError: (error) => latest?.isReplyError(error) ?? false,
    close: () => watch.close(),
  };
}

/** Undefined where the sentinels named another primary meanwhile: one that is frozen accepts connections and says nothing. */
async function openUnlessMoved(
  driver: Driver,
  address: PrimaryAddress,
  watch: PrimaryWatch,
  signal: AbortSignal,
): Promise<Connection | undefined> {
  const attempt = new AbortController();
  const abort = (): void => attempt.abort(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  let moved = false;
  const stopWatching = watch.onRound(() => {
    moved = !isSame(address, watch.primary);
    if (moved) attempt.abort(new ConnectionError('the sentinels name another primary by now'));
  });
  let connection: Connection | undefined;
  try {
    connection = await untilAborted(driver.open(attempt.signal), attempt.signal, (late) => late.release());
    if (!(await untilAborted(isPrimary(connection), attempt.signal))) {
      throw new ConnectionError(
        `Redis at ${driver.address} is named as the primary and says that it is none`,
      );
    }
    return new PrimaryConnection(connection, address, watch);
  } catch (error) {
    connection?.release();
    if (moved && !signal.aborted) return undefined;
    throw error;
  } finally {
    stopWatching();
    signal.removeEventListener('abort', abort);
  }
}

/** By HELLO, which tells what ROLE does and is allowed to every user. */
async function isPrimary(connection: Connection): Promise<boolean> {
  return fieldOf(await connection.send(['HELLO']), 'role') === 'master';
}

/** A connection that is lost, too, when its server is not the primary any more. */
class PrimaryConnection implements Connection {
  readonly server: string;
  readonly #connection: Connection;
  readonly #stopWatching: () => void;
  #listener: ((cause: unknown) => void) | undefined;
  #checking = false;
  #over = false;

  constructor(connection: Connection, address: PrimaryAddress, watch: PrimaryWatch) {
    this.server = `${address.host}:${address.port}`;
    this.#connection = connection;
    this.#stopWatching = watch.onRound(() => {
      if (isSame(address, watch.primary)) this.#check();
      else this.#end(new ConnectionError('the sentinels have named another primary'));
    });
  }

  get tellsOwnChanges(): boolean {
    return this.#connection.tellsOwnChanges ?? false;
  }

  send(args: readonly CommandArgument[]): Promise<Reply> {
    const reply = this.#connection.send(args);
    reply.catch((error: unknown) => {
      if (error instanceof Error && error.message.startsWith('READONLY')) this.#end(error);
    });
    return reply;
  }

  async track(tracking: Tracking, listener: (news: string | null) => void): Promise<void> {
    if (!this.#connection.track) throw new ConnectionError('this client cannot tell of keys that change');
    await this.#connection.track(tracking, listener);
  }

  onLost(listener: (cause: unknown) => void): void {
    this.#listener = listener;
    this.#connection.onLost((cause) => this.#end(cause));
  }

  release(): void {
    this.#listener = undefined;
    this.#end(undefined);
  }

  /** Sentinel cuts the connections of a primary that it demotes; others who demote one need not. */
  #check(): void {
    if (this.#checking || this.#over) return;
    this.#checking = true;
    isPrimary(this.#connection)
      .then(
        (is) => {
          if (!is) this.#end(new ConnectionError('the server is not the primary any more'));
        },
        () => undefined, // the loss of the connection is told by itself
      )
      .finally(() => (this.#checking = false));
  }

  #end(cause: unknown): void {
    if (this.#over) return;
    this.#over = true;
    this.#stopWatching();
    this.#connection.release();
    this.#listener?.(cause);
  }
}
