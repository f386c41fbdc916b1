import { parseTtl } from '../client/client-options.js';
import { parseCompression, type CompressionOptions } from '../codec/compression/compression.js';
import { parseDuration, type Duration } from '../duration.js';
import { InvalidOptionError } from '../errors.js';
import type { EntryPolicy } from '../layers/entry-policy.js';
import { checkTags } from '../layers/tag-table.js';
import { describeValue, rejectUnknownOptions } from '../validate.js';

/**
 * How one entry is loaded and kept. What a call leaves out comes from its resource, then its namespace, then the cache.
 */
export interface EntryOptions {
  /** How long it is fresh: milliseconds, or text such as `'15m'`; `Infinity` for ever. Default 15 minutes. */
  readonly ttl?: Duration;
  /** How long after `ttl` it is still served while one refresh runs behind it (RFC 5861). Default 0. */
  readonly staleWhileRevalidate?: Duration;
  /** How long after `ttl` it is served when the load fails or passes `timeout.soft` (RFC 5861). Default 0. */
  readonly staleIfError?: Duration;
  /** The share of `ttl`, 0 to 1, that is at most taken off at random. Default 0.1. */
  readonly jitter?: number;
  /** XFetch's beta: how eagerly an entry is refreshed before it is stale; 0 for never, 1 as in the paper. Default 0. */
  readonly earlyRefresh?: number;
  /** The `ttl` of `null`. Default: `ttl`. */
  readonly negativeTtl?: Duration;
  /**
   * `soft`: a load that takes longer goes on, while a value within `staleIfError` answers. `hard`: a load that takes longer has
   * failed. Default: neither.
   */
  readonly timeout?: { readonly soft?: Duration; readonly hard?: Duration };
  /** How long a process that dies while it loads holds up the others. Default 5 s. */
  readonly lease?: Duration;
  /** What the entry is about; see `invalidateTags`. A call's tags take the place of those of its resource. Default none. */
  readonly tags?: readonly string[];
  /** The longest that a copy stays in the process, or false for none. Default: as long as it is fresh. */
  readonly memory?: Duration | boolean;
  /** How it is made smaller in Redis, or true for the defaults of that. Default: not at all. */
  readonly compression?: CompressionOptions | boolean;
}

/** The names, for those who take these options among others. */
export const ENTRY_OPTIONS = [
  'ttl',
  'staleWhileRevalidate',
  'staleIfError',
  'jitter',
  'earlyRefresh',
  'negativeTtl',
  'timeout',
  'lease',
  'tags',
  'memory',
  'compression',
] as const;

export const DEFAULT_POLICY: EntryPolicy = Object.freeze({
  ttl: 15 * 60 * 1000,
  staleWhileRevalidate: 0,
  staleIfError: 0,
  jitter: 0.1,
  earlyRefresh: 0,
  negativeTtl: undefined,
  softTimeout: Infinity,
  hardTimeout: Infinity,
  lease: 5000,
  tags: Object.freeze([]),
  memory: Infinity,
  compression: undefined,
});

/** The entry options among `options`, checked and complete, over `inherited`. */
export function entryPolicy(options: EntryOptions, inherited: EntryPolicy): EntryPolicy {
  const span = (name: keyof EntryOptions, value: Duration | undefined, otherwise: number, min = 0): number =>
    value === undefined ? otherwise : parseDuration(value, name, { min });
  const { timeout } = options;
  if (timeout !== undefined) rejectUnknownOptions(timeout, ['soft', 'hard'], 'timeout');
  return {
    ttl: parseTtl(options.ttl, inherited.ttl),
    staleWhileRevalidate: span(
      'staleWhileRevalidate',
      options.staleWhileRevalidate,
      inherited.staleWhileRevalidate,
    ),
    staleIfError: span('staleIfError', options.staleIfError, inherited.staleIfError),
    jitter: fraction(options.jitter, inherited.jitter, 'jitter', 1),
    earlyRefresh: fraction(options.earlyRefresh, inherited.earlyRefresh, 'earlyRefresh', 100),
    negativeTtl: options.negativeTtl === undefined ? inherited.negativeTtl : parseTtl(options.negativeTtl, 0),
    softTimeout: span('timeout', timeout?.soft, inherited.softTimeout, 1),
    hardTimeout: span('timeout', timeout?.hard, inherited.hardTimeout, 1),
    lease: span('lease', options.lease, inherited.lease, 10),
    tags: options.tags === undefined ? inherited.tags : checkTags(options.tags, 'tags'),
    memory: memoryLife(options.memory, inherited.memory),
    compression:
      options.compression === undefined ? inherited.compression : parseCompression(options.compression),
  };
}

/** The same for a call, which takes nothing else. */
export function callPolicy(
  options: EntryOptions | undefined,
  inherited: EntryPolicy,
  operation: string,
): EntryPolicy {
  if (options === undefined) return inherited;
  rejectUnknownOptions(options, ENTRY_OPTIONS, operation);
  return entryPolicy(options, inherited);
}

function memoryLife(memory: Duration | boolean | undefined, inherited: number): number {
  if (memory === undefined) return inherited;
  if (memory === false) return 0;
  if (memory === true) return Infinity;
  return parseDuration(memory, 'memory', { min: 1, allowInfinity: true });
}

function fraction(value: number | undefined, inherited: number, name: string, most: number): number {
  if (value === undefined) return inherited;
  if (typeof value === 'number' && value >= 0 && value <= most) return value;
  throw new InvalidOptionError(`${name}: expected a number from 0 to ${most}, got ${describeValue(value)}`);
}
