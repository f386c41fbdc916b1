import { InvalidOptionError } from '../errors.js';
import { describeValue } from '../validate.js';

const LONGEST_NAMESPACE = 256;

/**
 * Where a namespace's keys stand in Redis: `shop::user:42`, and `shop:eu::user:42` for the namespace `eu` within `shop`.
 *
 * Names are joined with one colon and end with two. Within a name `:` and `%` are percent-encoded and a name is never empty,
 * so the first `::` of a Redis key is always the end of its namespace: keys of two namespaces, or of a namespace and one
 * within it, never collide, whatever the names and keys.
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

  /** The name for people. */
  toString(): string {
    return this.path.join(':');
  }
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
