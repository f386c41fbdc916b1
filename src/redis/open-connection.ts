import { AuthenticationError, ConnectionError, ServerError } from '../errors.js';
import { untilAborted } from '../runtime/until-aborted.js';
import type { Connection, Driver, Tracking } from './connection.js';
import { toCacheError } from './reply-error.js';
import type { ServerClock } from './server-clock.js';

/** What to be told of on a new connection, from its first read on. */
export interface ChangeListening {
  readonly tracking: Tracking;
  /** Told of each key, or null for all; of a channel, each message. */
  readonly listener: (news: string | null) => void;
  /** See `RedisPort`. */
  readonly onLag?: (milliseconds: number) => void;
}

/**
 * One attempt, bounded in time: opens, and sees that the server really answers. A server that is stopped still accepts
 * connections (its kernel does), and one that loads its data accepts commands and refuses them all.
 *
 * @param timeout - milliseconds for the whole attempt.
 */
export async function openConnection(
  driver: Driver,
  clock: ServerClock,
  timeout: number,
  abandon: AbortSignal,
  changes?: ChangeListening,
): Promise<Connection> {
  const attempt = new AbortController();
  const abort = (): void => attempt.abort(abandon.reason);
  abandon.addEventListener('abort', abort, { once: true });
  const timer = setTimeout(() => {
    attempt.abort(new ConnectionError(`Redis at ${driver.address} did not answer within ${timeout} ms`));
  }, timeout);
  // An attempt under way is no reason to keep the process running; whoever waits for it holds a timer of their own.
  timer.unref();
  let connection: Connection | undefined;
  try {
    connection = await untilAborted(driver.open(attempt.signal), attempt.signal, (late) => late.release());
    const armed = changes ? arm(driver, connection, changes) : Promise.resolve();
    const time = connection.send(['TIME']).catch(() => undefined); // an ACL may forbid it; then the local clock has to do
    await untilAborted(Promise.all([armed, connection.send(['PING'])]), attempt.signal);
    clock.hear(await untilAborted(time, attempt.signal));
    return connection;
  } catch (error) {
    connection?.release();
    throw changes ? explained(error, driver) : error;
  } finally {
    clearTimeout(timer);
    abandon.removeEventListener('abort', abort);
  }
}

/** In the same pipeline as the first commands, and so before anything is read. */
async function arm(driver: Driver, connection: Connection, changes: ChangeListening): Promise<void> {
  if (!connection.track) throw new ConnectionError(`${driver.name} cannot tell of keys that change`);
  await connection.track(changes.tracking, changes.listener);
}

/** A proxy, a service that offers less than the whole of Redis, or an ACL refuses `CLIENT TRACKING`: says what is to be done. */
function explained(error: unknown, driver: Driver): unknown {
  if (!driver.isReplyError(error) || !/tracking/i.test(String(error))) return error;
  const refusal = toCacheError(error, true, driver.address);
  const message = `${refusal.message}; without CLIENT TRACKING choose coherence: 'pubsub' or 'none'`;
  return refusal instanceof AuthenticationError
    ? new AuthenticationError(message, { cause: error })
    : new ServerError(message, { cause: error });
}
