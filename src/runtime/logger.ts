import { InvalidOptionError } from '../errors.js';
import { describeValue } from '../validate.js';

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

const LEVELS = ['debug', 'info', 'warn', 'error'] as const;

/**
 * The application's logger, checked, and such that what it throws is dropped: it is called amid state changes of the link,
 * which must not end half-way because a log could not be written.
 *
 * @throws InvalidOptionError when a level is missing.
 */
export function guardedLogger(logger: Logger | undefined): Logger {
  if (logger === undefined) return silentLogger;
  if (typeof logger !== 'object' || logger === null) {
    throw new InvalidOptionError(
      `logger: expected an object with debug, info, warn and error, got ${describeValue(logger)}`,
    );
  }
  for (const level of LEVELS) {
    if (typeof logger[level] !== 'function') {
      throw new InvalidOptionError(
        `logger.${level}: expected a function, got ${describeValue(logger[level])}`,
      );
    }
  }
  const guarded =
    (level: (typeof LEVELS)[number]): Logger['info'] =>
    (message, details) => {
      try {
        logger[level](message, details);
      } catch {
        // There is nobody else to tell.
      }
    };
  return {
    debug: guarded('debug'),
    info: guarded('info'),
    warn: guarded('warn'),
    error: guarded('error'),
  };
}
