/**
 * Every error Tiercel throws. Match on `code`, which is stable; messages are for people and may change.
 * The table in docs/errors.md says for each code what to do about it.
 */

/** What an error can tell about the call that failed. */
export interface CacheErrorDetails {
  /** The public operation that failed, such as `get` or `connect`. */
  readonly operation?: string | undefined;
  /** The key as the caller gave it, where one key was concerned. */
  readonly key?: string | undefined;
  /** What was thrown below, unchanged. */
  readonly cause?: unknown;
}

/** What is known of a write or delete that failed: certainly without effect, or possibly carried out all the same. */
export type Outcome = 'not-done' | 'unknown';

/** The base class of all errors of this package. */
export abstract class CacheError extends Error {
  /** Stable identifier, such as `TIERCEL_TIMEOUT`. */
  abstract readonly code: string;
  /** The public operation that failed, where known. */
  readonly operation: string | undefined;
  /** The key as the caller gave it, where one key was concerned. */
  readonly key: string | undefined;

  constructor(message: string, details: CacheErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = new.target.name;
    this.operation = details.operation;
    this.key = details.key;
  }

  /**
   * Of a write or delete: `not-done`, it certainly had no effect; `unknown`, the server may have carried it out, or may yet. Of
   * several keys `unknown` as soon as it is for one; see `failures`.
   */
  get outcome(): Outcome {
    return 'not-done';
  }
}

/** Says which call an error belongs to, where the place that made it could not know. */
export function attribute<E extends CacheError>(error: E, operation: string, key?: string): E {
  return Object.assign(error, { operation: error.operation ?? operation, key: error.key ?? key });
}

/** The same error once more: each is told its own key, so that the keys of one command cannot share it. */
export function repeated(error: CacheError): CacheError {
  const { constructor, message, cause, operation } = error;
  const sent = error instanceof ConnectionError ? { sent: error.sent } : {};
  return new (constructor as new (text: string, details: CacheErrorDetails) => CacheError)(message, {
    cause,
    operation,
    ...sent,
  });
}

/** An option or argument is wrong. The message names the option and the value it had. */
export class InvalidOptionError extends CacheError {
  readonly code = 'TIERCEL_INVALID_OPTION';
}

/** A key is not a non-empty, well-formed string. */
export class InvalidKeyError extends CacheError {
  readonly code = 'TIERCEL_INVALID_KEY';
}

/** `getOrThrow` found nothing under the key. */
export class CacheMissError extends CacheError {
  readonly code = 'TIERCEL_MISS';
}

/** The server could not be reached, or the link was lost while the command was under way. */
export class ConnectionError extends CacheError {
  readonly code = 'TIERCEL_CONNECTION';
  /** False where the command was never sent, so that it certainly had no effect. */
  readonly sent: boolean;

  constructor(message: string, details: CacheErrorDetails & { readonly sent?: boolean } = {}) {
    super(message, details);
    this.sent = details.sent ?? true;
  }

  override get outcome(): Outcome {
    return this.sent ? 'unknown' : 'not-done';
  }
}

/** The server refused the user name or password, or does not allow the user what the cache needs. */
export class AuthenticationError extends CacheError {
  readonly code = 'TIERCEL_AUTHENTICATION';
}

/** No answer came by the deadline. Whether the server carried the command out is unknown. */
export class DeadlineError extends CacheError {
  readonly code = 'TIERCEL_DEADLINE';

  override get outcome(): Outcome {
    return 'unknown';
  }
}

/** Too many commands, or operations of a batch, wait already; this one was not sent. */
export class OverloadedError extends CacheError {
  readonly code = 'TIERCEL_OVERLOADED';
}

/** The cache, client or batch was closed; nothing was sent. */
export class ClosedError extends CacheError {
  readonly code = 'TIERCEL_CLOSED';
}

/** The server answered with an error, such as `OOM` or `WRONGTYPE`. `cause` is the client's error. */
export class ServerError extends CacheError {
  readonly code = 'TIERCEL_SERVER';
}

/** The value cannot be stored: a function, a symbol, a cycle, `undefined`, or something the codec refuses. */
export class EncodeError extends CacheError {
  readonly code = 'TIERCEL_ENCODE';
}

/** Stored bytes are not an entry, are cut short, or are of a codec this process does not have. */
export class DecodeError extends CacheError {
  readonly code = 'TIERCEL_DECODE';
}

/** What went wrong with one key: an error of this package, with its `code`, or, of keys that were loaded, what the loader threw. */
export type KeyFailure = Error & { readonly code?: string };

/** Some keys of a bulk operation failed; the others were carried out. */
export class BulkError extends CacheError {
  readonly code = 'TIERCEL_BULK';
  /** The failed keys, each with its own error. */
  readonly failures: ReadonlyMap<string, KeyFailure>;
  /** Where values were asked for: those of the other keys, in the order asked. */
  readonly results: ReadonlyMap<string, unknown>;

  constructor(
    failures: ReadonlyMap<string, KeyFailure>,
    total: number,
    details: CacheErrorDetails & { readonly results?: ReadonlyMap<string, unknown> } = {},
  ) {
    const first = failures.values().next().value;
    super(
      `${failures.size} of ${total} keys failed in ${details.operation ?? 'a bulk operation'}` +
        (first ? `; the first: ${first.message}` : ''),
      { cause: first, ...details },
    );
    this.failures = failures;
    this.results = details.results ?? new Map<string, unknown>();
  }

  override get outcome(): Outcome {
    for (const failure of this.failures.values()) {
      if (failure instanceof CacheError && failure.outcome === 'unknown') return 'unknown';
    }
    return 'not-done';
  }
}

/** An optional package that the chosen options need is not installed. The message has the command. */
export class MissingPeerError extends CacheError {
  readonly code = 'TIERCEL_MISSING_PEER';
}
