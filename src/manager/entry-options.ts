import { parseTtl } from '../client/client-options.js';
import { parseCompression, type CompressionOptions } from '../codec/compression/compression.js';
import { parseDuration, type Duration } from '../duration.js';
import { InvalidOptionError } from '../errors.js';
import type { EntryPolicy } from '../layers/entry-policy.js';
import { checkTags } from '../layers/tag-table.js';
import { describeValue, oneOf, rejectUnknownOptions } from '../validate.js';

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

const NO_TAGS: readonly string[] = Object.freeze([]);

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
  tags: NO_TAGS,
  memory: Infinity,
  compression: undefined,
  plain: false,
});

/**
 * What stands under a key: `entry`, a value with what is said of it, see docs/format.md; `plain`, bare JSON text, for programs
 * in other languages that share the keys, see docs/guides/plain.md.
 */
export type EntryFormat = 'entry' | 'plain';

/** Options of a namespace. */
export interface NamespaceOptions extends EntryOptions {
  /** Of the keys of this namespace and those within it. Default: that of the namespace around it. */
  readonly format?: EntryFormat;
}

/** What a header tells, and a bare value cannot. */
const IN_THE_HEADER = [
  'staleWhileRevalidate',
  'staleIfError',
  'earlyRefresh',
  'tags',
  'compression',
] as const;

/** The policy of keys whose values are bare. */
function plainPolicy(policy: EntryPolicy): EntryPolicy {
  return {
    ...policy,
    plain: true,
    staleWhileRevalidate: 0,
    staleIfError: 0,
    earlyRefresh: 0,
    tags: NO_TAGS,
    compression: undefined,
  };
}

/** What a namespace inherits whose values have this form. */
export function formatPolicy(format: EntryFormat | undefined, inherited: EntryPolicy): EntryPolicy {
  if (format === undefined) return inherited;
  return oneOf(format, ['entry', 'plain'], 'format') === 'plain'
    ? plainPolicy(inherited)
    : { ...inherited, plain: false };
}

function assertPlain(options: EntryOptions): void {
  for (const name of IN_THE_HEADER) {
    const value: unknown = options[name];
    if (value === undefined || value === 0 || value === false || (Array.isArray(value) && value.length === 0))
      continue;
    throw new InvalidOptionError(
      `${name}: a value of format 'plain' has no room for it, got ${describeValue(value)}`,
    );
  }
}

/** The entry options among `options`, checked and complete, over `inherited`. */
export function entryPolicy(options: EntryOptions, inherited: EntryPolicy): EntryPolicy {
  const span = (name: keyof EntryOptions, value: Duration | undefined, otherwise: number, min = 0): number =>
    value === undefined ? otherwise : parseDuration(value, name, { min });
  if (inherited.plain) assertPlain(options);
  const { timeout } = options;
  if (timeout !== undefined) rejectUnknownOptions(timeout, ['soft', 'hard'], 'timeout');
  const ttl = parseTtl(options.ttl, inherited.ttl);
  return {
    ttl,
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
    memory: memoryLife(options.memory, inherited.memory, inherited.plain ? ttl : Infinity),
    plain: inherited.plain,
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
  if (isJustTtl(options)) return justTtl(options.ttl, inherited);
  rejectUnknownOptions(options, ENTRY_OPTIONS, operation);
  return entryPolicy(options, inherited);
}

/** What most calls give, as a new object each time, with the same time each time. */
function isJustTtl(options: EntryOptions): options is { readonly ttl: Duration } {
  let count = 0;
  for (const name in options) if (name !== 'ttl' || ++count > 1) return false;
  return count === 1 && options.ttl !== undefined && Object.hasOwn(options, 'ttl');
}

let lastPolicy: EntryPolicy = DEFAULT_POLICY;
let lastInherited: EntryPolicy | undefined;
let lastTtl: Duration = 0;

function justTtl(ttl: Duration, inherited: EntryPolicy): EntryPolicy {
  if (ttl !== lastTtl || inherited !== lastInherited) {
    lastPolicy = entryPolicy({ ttl }, inherited);
    lastInherited = inherited;
    lastTtl = ttl;
  }
  return lastPolicy;
}

/** @param most - a bare value does not tell how long it has left. */
function memoryLife(memory: Duration | boolean | undefined, inherited: number, most: number): number {
  if (memory === undefined) return Math.min(inherited, most);
  if (memory === false) return 0;
  if (memory === true) return most;
  return Math.min(parseDuration(memory, 'memory', { min: 1, allowInfinity: true }), most);
}

function fraction(value: number | undefined, inherited: number, name: string, most: number): number {
  if (value === undefined) return inherited;
  if (typeof value === 'number' && value >= 0 && value <= most) return value;
  throw new InvalidOptionError(`${name}: expected a number from 0 to ${most}, got ${describeValue(value)}`);
}
