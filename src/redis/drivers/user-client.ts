import type { Connection } from '../connection.js';

/** The part of an EventEmitter that is needed of a client somebody else made. */
export interface Emitter {
  on(event: string, listener: (...args: never[]) => void): unknown;
  off(event: string, listener: (...args: never[]) => void): unknown;
}

/**
 * Waits until a client that somebody else made is ready, and stands for the connection it has then. The connection counts as
 * lost with the first of `lossEvents`; the client itself is never connected, closed or configured here.
 */
export async function borrow(
  client: Emitter,
  options: {
    readonly isReady: () => boolean;
    readonly send: Connection['send'];
    readonly lossEvents: readonly string[];
    readonly signal: AbortSignal;
  },
): Promise<Connection> {
  options.signal.throwIfAborted();
  if (!options.isReady()) await readyOrAborted(client, options.signal);
  let listener: ((cause: unknown) => void) | undefined;
  /** Why it is lost; kept for a listener that comes later, since the client may be ready again by then. */
  let gone: Error | undefined;
  const lost = (cause?: unknown): void => {
    if (options.isReady()) return; // an `error` event need not mean the connection
    gone = cause instanceof Error ? cause : new Error('the application’s Redis client lost its connection');
    const tell = listener;
    release();
    tell?.(gone);
  };
  const release = (): void => {
    listener = undefined;
    for (const event of options.lossEvents) client.off(event, lost);
  };
  for (const event of options.lossEvents) client.on(event, lost);
  return {
    send: options.send,
    onLost: (given) => {
      if (gone) return given(gone);
      listener = given;
      lost();
    },
    release,
  };
}

function readyOrAborted(client: Emitter, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = (): void => {
      client.off('ready', ready);
      signal.removeEventListener('abort', aborted);
    };
    const ready = (): void => {
      done();
      resolve();
    };
    const aborted = (): void => {
      done();
      reject(new Error('the application’s Redis client is not ready; was it told to connect?'));
    };
    client.on('ready', ready);
    signal.addEventListener('abort', aborted, { once: true });
  });
}
