import { InvalidOptionError } from '../errors.js';
import { describeValue } from '../validate.js';

const LONGEST_NAMESPACE = 256;

/** No name is encoded to these: in an encoded name a `%` is followed by `25` or `3A`. */
const TAGS = '%tag';
const TAG_FLOOR = '%tagfloor';
const BLOBS = '%blob';
const DICTIONARIES = '%dict';
const DICTIONARY_CLAIMS = '%dictclaim';
/** What the marker of a refresh begins with; the Redis key of the entry follows. */
export const REFRESH_PREFIX = '%refresh:';
const BEHIND = '%behind';
const PRELOAD = '%preload';
const CHANGES = '%changes';

/**
 * Where a namespace's keys stand in Redis: `shop::user:42`, and `shop:eu::user:42` for the namespace `eu` within `shop`.
 *
 * Names are joined with one colon and end with two. Within a name `:` and `%` are percent-encoded and a name is never empty,
 * so the first `::` of a Redis key is always the end of its namespace: keys of two namespaces, or of a namespace and one
 * within it, never collide, whatever the names and keys.
 *
 * What the cache keeps about a namespace stands beside it, under names that cannot be given: `shop:%tag::users` is about the
 * tag `users` of `shop`. In the bare key space, where keys stand as they are, `%tag::`, `%tagfloor::`, `%blob::`, `%dict::` and
 * `%dictclaim::` are reserved, and so are `%refresh:`, `%lease:` and `%lease-`: a key that begins so is not for applications.
 */
export class KeySpace {
  /** All names from the outermost, as given. */
  readonly path: readonly string[];
  /** What every Redis key of this namespace begins with. Empty for the bare key space. */
  readonly prefix: string;

  private constructor(path: readonly string[]) {
    this.path = path;
    this.prefix = path.length === 0 ? '' : `${path.map(encodeName).join(':')}::`;
  }

  /** An empty name means no prefix at all: keys stand in Redis as they are, for sharing them with other programs. */
  static of(name: string): KeySpace {
    return name === '' ? new KeySpace([]) : new KeySpace([checked(name)]);
  }

  within(name: string): KeySpace {
    return new KeySpace([...this.path, checked(name)]);
  }

  /** What the Redis keys of this namespace's tag records begin with; the tag follows as it is. */
  get tagPrefix(): string {
    return this.#beside(TAGS);
  }

  /** Where the record of one tag stands. */
  tagKey(tag: string): string {
    return this.tagPrefix + tag;
  }

  /** Where the time of the latest invalidation of any tag of this namespace stands. */
  get tagFloorKey(): string {
    return this.#beside(TAG_FLOOR);
  }

  /** What the names of this namespace's queues of writes to the database begin with. */
  get behindPrefix(): string {
    return this.#beside(BEHIND);
  }

  /** What the names of this namespace's preload patterns begin with. */
  get preloadPrefix(): string {
    return this.#beside(PRELOAD);
  }

  /**
   * What the Redis keys of blobs begin with; the name follows. All namespaces within the outermost share them: whoever opens
   * one of these by itself must find the same.
   */
  get blobPrefix(): string {
    return `${[...this.path.slice(0, 1).map(encodeName), BLOBS].join(':')}::`;
  }

  /** Where the name of the blob stands that is the dictionary of this kind of values. */
  dictionaryKey(kind: string): string {
    return this.#beside(DICTIONARIES) + kind;
  }

  /** Where it stands that somebody makes such a dictionary. */
  dictionaryClaimKey(kind: string): string {
    return this.#beside(DICTIONARY_CLAIMS) + kind;
  }

  /** What all keys of this namespace, of those within it, and of what is kept about them begin with. */
  get familyPrefix(): string {
    return this.path.length === 0 ? '' : `${this.path.map(encodeName).join(':')}:`;
  }

  /** The channel on which processes tell each other of changes in this family. */
  get changesChannel(): string {
    return this.familyPrefix + CHANGES;
  }

  #beside(reserved: string): string {
    return `${[...this.path.map(encodeName), reserved].join(':')}::`;
  }

  /** The name for people. */
  toString(): string {
    return this.path.join(':');
  }
}

const RESERVED: ReadonlyMap<string | undefined, 'tag' | 'shared'> = new Map([
  [TAGS, 'tag'],
  [TAG_FLOOR, 'tag'],
  [BLOBS, 'shared'],
  [DICTIONARIES, 'shared'],
  [DICTIONARY_CLAIMS, 'shared'],
]);

/** What a Redis key of a namespace, or of one within it, is about. */
export interface RedisKeyMeaning {
  /** The names as they stand in Redis, joined with `:`; empty for the bare key space. */
  readonly namespace: string;
  /** `stray` begins as keys of the namespace do, and is none that this package makes. */
  readonly about: 'entry' | 'refresh' | 'tag' | 'shared' | 'stray';
}

/** Undefined for a key of neither the namespace nor one within it. */
export function readRedisKey(redisKey: string, within: KeySpace): RedisKeyMeaning | undefined {
  const isRefresh = redisKey.startsWith(REFRESH_PREFIX);
  const key = isRefresh ? redisKey.slice(REFRESH_PREFIX.length) : redisKey;
  const family = within.familyPrefix;
  if (!key.startsWith(family)) return undefined;
  const namespace = family.slice(0, -1);
  const end = key.indexOf('::');
  const names = end === -1 ? [] : key.slice(0, end).split(':');
  const last = names.at(-1);
  const about = RESERVED.get(last);
  if (about) return { namespace: names.slice(0, -1).join(':'), about };
  // Bare keys may be anything, so that what looks like a namespace may be the beginning of a key.
  if (family !== '' && end === -1) return { namespace, about: 'stray' };
  return { namespace: family === '' ? '' : names.join(':'), about: isRefresh ? 'refresh' : 'entry' };
}

function checked(name: unknown): string {
  if (typeof name !== 'string' || name === '' || name.length > LONGEST_NAMESPACE || !name.isWellFormed()) {
    throw new InvalidOptionError(
      `namespace: expected a well-formed string of 1 to ${LONGEST_NAMESPACE} characters, got ${describeValue(name)}`,
    );
  }
  return name;
}

function encodeName(name: string): string {
  return name.replaceAll('%', '%25').replaceAll(':', '%3A');
}
