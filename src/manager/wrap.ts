import { InvalidKeyError, InvalidOptionError } from '../errors.js';
import { describeValue, rejectUnknownOptions } from '../validate.js';
import type { CacheManager } from './cache-manager.js';
import { canonicalKey } from './canonical-key.js';
import { DEFAULT_POLICY, ENTRY_OPTIONS, entryPolicy, type EntryOptions } from './entry-options.js';

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
  const { key, ...kept } = options;
  entryPolicy(kept, DEFAULT_POLICY); // a wrong option is told here, not with the first call
  const keyOf = key ?? ((...args: Args) => canonicalKey(args));
  return async (...args) => {
    const part: unknown = keyOf(...args);
    if (typeof part !== 'string') {
      throw new InvalidKeyError(
        `${name}: expected a string from its key function, got ${describeValue(part)}`,
      );
    }
    return cache.getOrSet(`${name}(${part})`, () => fn(...args), kept);
  };
}
