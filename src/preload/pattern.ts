import type { Duration } from '../duration.js';
import { InvalidOptionError } from '../errors.js';
import { describeValue, positiveInteger, rejectUnknownOptions } from '../validate.js';
import { parseSchedule, type Schedulable, type Schedule } from './schedule.js';

/** What a pattern's `load` is told. */
export interface PreloadContext {
  /** Aborted when the preloader is stopped, or when another process has taken the turn over. */
  readonly signal: AbortSignal;
  /** When the turn began, in milliseconds since the epoch. */
  readonly turn: number;
}

/** Entries to put into the cache: as a Map, as pairs, or as a stream of pairs that need not fit into memory. */
export type PreloadEntries<T> =
  | ReadonlyMap<string, T>
  | ReadonlyArray<readonly [key: string, value: T]>
  | AsyncIterable<readonly [key: string, value: T]>;

/** A set of entries that is kept in the cache. */
export interface PreloadPattern<T = unknown> {
  /** Unique within the cache's namespace; it is what the fleet knows the pattern by. */
  readonly name: string;
  /**
   * A duration between turns, such as `'5m'`, or a cron expression in UTC, such as `'0 3 * * *'`. A turn is run once over all
   * processes; its entries live until the end of the turn after it.
   */
  readonly schedule: Schedulable;
  /** Gets the entries from where they really live. Each turn replaces the values of the one before. */
  readonly load: (context: PreloadContext) => Promise<PreloadEntries<T>> | PreloadEntries<T>;
  /** Of the turns that are due, the one with the highest begins first. Default 0. */
  readonly priority?: number;
  /** What its keys look like, such as `post:*` (`*` stands for anything). A key that does not is refused. Default: any key. */
  readonly keyPattern?: string;
  /** Tags of its entries. */
  readonly tags?: readonly string[];
  /** Whether `ready()` waits for the first turn. Default false. */
  readonly warmUp?: boolean;
}

/** Checked and complete. */
export interface CheckedPattern extends PreloadPattern {
  readonly priority: number;
  readonly warmUp: boolean;
  readonly turns: Schedule;
  readonly takesKey: (key: string) => boolean;
}

const OPTIONS: ReadonlyArray<keyof PreloadPattern> = [
  'name',
  'schedule',
  'load',
  'priority',
  'keyPattern',
  'tags',
  'warmUp',
];
const LONGEST_NAME = 128;

/** @throws InvalidOptionError */
export function checkPattern(pattern: PreloadPattern): CheckedPattern {
  rejectUnknownOptions(pattern, OPTIONS, 'preload');
  const { name, load, priority = 0, keyPattern, warmUp = false } = pattern;
  if (typeof name !== 'string' || name === '' || name.length > LONGEST_NAME || !name.isWellFormed()) {
    throw new InvalidOptionError(
      `preload: expected a name of 1 to ${LONGEST_NAME} characters, got ${describeValue(name)}`,
    );
  }
  if (typeof load !== 'function') {
    throw new InvalidOptionError(
      `preload ${name}: expected a function that loads, got ${describeValue(load)}`,
    );
  }
  if (!Number.isFinite(priority)) {
    throw new InvalidOptionError(
      `preload ${name}: expected a number as priority, got ${describeValue(priority)}`,
    );
  }
  if (keyPattern !== undefined && (typeof keyPattern !== 'string' || keyPattern === '')) {
    throw new InvalidOptionError(
      `preload ${name}: expected a text such as 'post:*' as keyPattern, got ${describeValue(keyPattern)}`,
    );
  }
  if (typeof warmUp !== 'boolean') {
    throw new InvalidOptionError(
      `preload ${name}: expected true or false as warmUp, got ${describeValue(warmUp)}`,
    );
  }
  return {
    ...pattern,
    priority,
    warmUp,
    turns: parseSchedule(pattern.schedule, `preload ${name}: schedule`),
    takesKey: keyMatcher(keyPattern),
  };
}

/** @throws InvalidOptionError for two of one name. */
export function checkPatterns(patterns: readonly PreloadPattern[]): CheckedPattern[] {
  if (!Array.isArray(patterns)) {
    throw new InvalidOptionError(`preload: expected an array of patterns, got ${describeValue(patterns)}`);
  }
  const names = new Set<string>();
  return patterns.map((pattern: PreloadPattern) => {
    const checked = checkPattern(pattern);
    if (names.has(checked.name)) {
      throw new InvalidOptionError(`preload: two patterns have the name ${describeValue(checked.name)}`);
    }
    names.add(checked.name);
    return checked;
  });
}

export interface PreloaderOptions {
  /** Turns run at once in this process. Default 2. */
  readonly concurrency?: number;
  /** Entries in one write. Default 500. */
  readonly chunkSize?: number;
  /** How long a process that dies in the middle of a turn holds it up before another takes it over. Default 10 s. */
  readonly lease?: Duration;
}

export function checkedCount(value: number | undefined, fallback: number, name: string): number {
  return positiveInteger(value ?? fallback, name, { min: 1 });
}

function keyMatcher(pattern: string | undefined): (key: string) => boolean {
  if (pattern === undefined) return () => true;
  const parts = pattern.split('*').map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/g, String.raw`\$&`));
  const expression = new RegExp(`^${parts.join('.*')}$`, 's');
  return (key) => expression.test(key);
}
