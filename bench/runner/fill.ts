import { isDeepStrictEqual } from 'node:util';
import type { BenchCache } from '../contender.js';
import { makeValues, type ValueKind, type Values } from '../values.js';

/** The same for every contender. */
export const TTL_MS = 15 * 60_000;

/** How many calls fill and check a cache at once. */
const CALLERS = 64;
const SAMPLE = 500;

/** Visits every `step`th index, a number of them at once. */
export async function forEachIndex(
  count: number,
  step: number,
  visit: (index: number) => Promise<void>,
  callers = CALLERS,
): Promise<void> {
  let next = 0;
  const walk = async (): Promise<void> => {
    for (let index = next; index < count; index = next) {
      next += step;
      await visit(index);
    }
  };
  await Promise.all(Array.from({ length: callers }, walk));
}

export function keyOf(values: Values, index: number): string {
  return `${values.kind}:${index}`;
}

/** Writes every value under its key. */
export async function fill(cache: BenchCache, values: Values): Promise<void> {
  await forEachIndex(values.count, 1, (index) => cache.set(keyOf(values, index), values.at(index), TTL_MS));
}

/** Reads about 500 keys, leaving out those whose value is -1, and compares whole values. Resolves with how many are wrong. */
export async function countWrong(
  read: (key: string) => Promise<unknown>,
  values: Values,
  indexOfValue: (keyIndex: number) => number = (keyIndex) => keyIndex,
): Promise<number> {
  let wrong = 0;
  await forEachIndex(values.count, Math.ceil(values.count / SAMPLE), async (index) => {
    const valueIndex = indexOfValue(index);
    if (valueIndex < 0) return;
    const expected = values.at(valueIndex);
    if (!isDeepStrictEqual(await read(keyOf(values, index)), expected)) wrong++;
  });
  return wrong;
}

/** What this process has filled: the cases of one kind read the same keys. */
const filled = new Map<ValueKind, Values>();

/** Sees to it that all values of a kind are in the cache, and that `get` finds them as they were. */
export async function fillOnce(cache: BenchCache, kind: ValueKind): Promise<Values> {
  const known = filled.get(kind);
  if (known !== undefined) return known;
  const values = makeValues(kind);
  await fill(cache, values);
  const wrong = await countWrong((key) => cache.get(key), values);
  if (wrong > 0) throw new Error(`${wrong} values came back changed by get()`);
  filled.set(kind, values);
  return values;
}
