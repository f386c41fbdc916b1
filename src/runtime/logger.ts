/** Facts that go with a log message, such as `{ node: '10.0.0.7:6379', error }`. */
export type LogDetails = Readonly<Record<string, unknown>>;

/**
 * Where the cache tells what happened that no caller was told of. Keep it non-blocking; an adapter for pino,
 * which takes the details first, is `info: (message, details) => log.info(details, message)`.
 */
export interface Logger {
  debug(message: string, details?: LogDetails): void;
  info(message: string, details?: LogDetails): void;
  warn(message: string, details?: LogDetails): void;
  error(message: string, details?: LogDetails): void;
}

const ignore = (): void => undefined;

/** The default: says nothing. A library that prints of its own accord is a nuisance in someone else's log. */
export const silentLogger: Logger = Object.freeze({
  debug: ignore,
  info: ignore,
  warn: ignore,
  error: ignore,
});
