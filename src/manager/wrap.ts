import { InvalidOptionError } from '../errors.js';
import { describeValue, rejectUnknownOptions } from '../validate.js';
import type { CacheManager } from './cache-manager.js';
import { canonicalKey } from './canonical-key.js';
import { ENTRY_OPTIONS, entryOptions, type EntryOptions } from './entry-options.js';

export interface WrapOptions<Args extends readonly unknown[]> extends EntryOptions {
  /** The part of the key that the arguments make. Default: their canonical form, which cannot collide. */
  readonly key?: (...args: Args) => string;
}

/** `fn` with its results cached under `name(arguments)`. */
export function wrapFunction<Args extends readonly unknown[], T>(
  cache: CacheManager,
  name: string,
  fn: (...args: Args) => Promise<T> | T,
  options: WrapOptions<Args> = {},
): (...args: Args) => Promise<T> {
  if (typeof name !== 'string' || name === '' || name.includes('(')) {
    throw new InvalidOptionError(
      `wrap: expected a name that is not empty and has no parenthesis, got ${describeValue(name)}`,
    );
  }
  if (typeof fn !== 'function')
    throw new InvalidOptionError(`wrap: expected a function, got ${describeValue(fn)}`);
  rejectUnknownOptions(options, ['key', ...ENTRY_OPTIONS], 'wrap');
  const keyOf = options.key ?? ((...args: Args) => canonicalKey(args));
  const kept = entryOptions(options, {});
  return async (...args) => cache.getOrSet(`${name}(${keyOf(...args)})`, () => fn(...args), kept);
}
