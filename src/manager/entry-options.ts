import type { Duration } from '../duration.js';
import { parseTtl } from '../client/client-options.js';
import { rejectUnknownOptions } from '../validate.js';

/**
 * How one entry is kept. What a call leaves out comes from its resource, then its namespace, then the cache.
 */
export interface EntryOptions {
  /** How long it lives: milliseconds, or text such as `'15m'`; `Infinity` for ever. Default 15 minutes. */
  readonly ttl?: Duration;
}

/** The names, for those who take these options among others. */
export const ENTRY_OPTIONS = ['ttl'] as const;

/** The entry options among `options`, checked, over `inherited`. */
export function entryOptions(options: EntryOptions, inherited: EntryOptions): EntryOptions {
  if (options.ttl === undefined) return inherited;
  parseTtl(options.ttl, 0);
  return { ttl: options.ttl };
}

/** The same for a call, which takes nothing else. */
export function callOptions(
  options: EntryOptions | undefined,
  inherited: EntryOptions,
  operation: string,
): EntryOptions {
  if (options === undefined) return inherited;
  rejectUnknownOptions(options, ENTRY_OPTIONS, operation);
  return entryOptions(options, inherited);
}
