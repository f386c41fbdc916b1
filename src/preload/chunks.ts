import { InvalidOptionError } from '../errors.js';
import { describeValue } from '../validate.js';
import type { PreloadEntries } from './pattern.js';

/** The entries in lists of at most `size`. A stream is read no faster than the lists are taken. */
export async function* chunks<T>(
  entries: PreloadEntries<T>,
  size: number,
): AsyncGenerator<Array<readonly [string, T]>, void, undefined> {
  let chunk: Array<readonly [string, T]> = [];
  for await (const entry of iterable(entries)) {
    if (!isPair<T>(entry)) {
      throw new InvalidOptionError(
        `preload: expected pairs of a key and a value, got ${describeValue(entry)} among them`,
      );
    }
    chunk.push(entry);
    if (chunk.length >= size) {
      yield chunk;
      chunk = [];
    }
  }
  if (chunk.length > 0) yield chunk;
}

/** How many there are, where that is known beforehand. */
export function knownTotal(entries: PreloadEntries<unknown>): number | undefined {
  if (entries instanceof Map) return entries.size;
  return Array.isArray(entries) ? entries.length : undefined;
}

function iterable<T>(entries: PreloadEntries<T>): AsyncIterable<unknown> | Iterable<unknown> {
  const given: unknown = entries;
  if (typeof given === 'object' && given !== null) {
    if (Symbol.asyncIterator in given) return given as AsyncIterable<unknown>;
    if (Symbol.iterator in given) return given as Iterable<unknown>;
  }
  throw new InvalidOptionError(
    `preload: expected load to give a Map, an array of pairs or an async iterable of pairs, got ${describeValue(given)}`,
  );
}

function isPair<T>(entry: unknown): entry is readonly [string, T] {
  return Array.isArray(entry) && entry.length === 2;
}
