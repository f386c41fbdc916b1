import { isDeepStrictEqual } from 'node:util';
import type { BenchCache } from '../contender.js';
import type { Values } from '../values.js';

/** The same for every contender. */
export const TTL_MS = 15 * 60_000;

const CALLERS = 64;
const SAMPLE = 500;

async function forEachIndex(
  count: number,
  step: number,
  visit: (index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const walk = async (): Promise<void> => {
    for (let index = next; index < count; index = next) {
      next += step;
      await visit(index);
    }
  };
  await Promise.all(Array.from({ length: CALLERS }, walk));
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
