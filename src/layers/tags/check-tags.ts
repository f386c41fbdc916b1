import { InvalidOptionError } from '../../errors.js';
import { describeValue } from '../../validate.js';

/** Every read of an entry asks about each of its tags. */
const MOST_TAGS = 64;
/** In UTF-8: a tag is part of a Redis key, and of every entry that has it. */
const LONGEST_TAG = 512;

const NO_TAGS: readonly string[] = Object.freeze([]);

/**
 * The tags of one entry, each once, in a list of our own: at most 64 non-empty, well-formed strings of at most 512 bytes.
 * Lone surrogates are refused because every one of them is written to Redis as U+FFFD: two tags would be one there.
 *
 * @param operation - who was given the tags, such as `set`; it begins the message.
 * @throws InvalidOptionError
 */
export function checkTags(tags: readonly string[], operation: string): readonly string[] {
  const distinct = distinctTags(tags, operation);
  if (distinct.length > MOST_TAGS) {
    throw new InvalidOptionError(
      `${operation}: an entry may have ${MOST_TAGS} tags at most, got ${distinct.length}`,
      { operation },
    );
  }
  return distinct;
}

/**
 * The same for tags that are not those of one entry: any number of them.
 *
 * @throws InvalidOptionError
 */
export function distinctTags(tags: readonly string[], operation: string): readonly string[] {
  // Callers from JavaScript pass what they like; the type alone is no guard.
  const given: unknown = tags;
  if (!Array.isArray(given)) {
    throw new InvalidOptionError(`${operation}: expected an array of tags, got ${describeValue(given)}`, {
      operation,
    });
  }
  if (tags.length === 0) return NO_TAGS;
  const distinct = [...new Set(tags)];
  for (const tag of distinct) checkTag(tag, operation);
  return distinct;
}

function checkTag(tag: unknown, operation: string): void {
  if (typeof tag !== 'string' || tag === '' || !tag.isWellFormed()) {
    throw new InvalidOptionError(
      `${operation}: expected a non-empty, well-formed string as tag, got ${describeValue(tag)}`,
      { operation },
    );
  }
  // A character is a byte at least and three at most: most tags need no counting.
  if (tag.length * 3 > LONGEST_TAG && Buffer.byteLength(tag) > LONGEST_TAG) {
    throw new InvalidOptionError(
      `${operation}: a tag may have ${LONGEST_TAG} bytes at most, got ${describeValue(tag)}`,
      { operation },
    );
  }
}
