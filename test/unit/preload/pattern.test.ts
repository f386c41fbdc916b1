import { describe, expect, it } from 'vitest';
import { InvalidOptionError } from '../../../src/errors.js';
import { chunks, knownTotal } from '../../../src/preload/chunks.js';
import { checkPattern, checkPatterns, type PreloadPattern } from '../../../src/preload/pattern.js';

const good: PreloadPattern = { name: 'posts', schedule: '5m', load: () => [] };

describe('a preload pattern', () => {
  it.each<[string, object]>([
    ['name', { name: '' }],
    ['name', { name: 5 }],
    ['load', { load: 'SELECT' }],
    ['priority', { priority: 'high' }],
    ['keyPattern', { keyPattern: '' }],
    ['warmUp', { warmUp: 'yes' }],
    ['schedule', { schedule: 'never' }],
    ['sheduled', { sheduled: '5m' }],
  ])('with a wrong %s is refused', (name, wrong) => {
    expect(() => checkPattern({ ...good, ...wrong })).toThrow(InvalidOptionError);
    expect(() => checkPattern({ ...good, ...wrong })).toThrow(new RegExp(name));
  });

  it('has a name of its own', () => {
    expect(() => checkPatterns([good, good])).toThrow(/two patterns have the name 'posts'/);
    expect(() => checkPatterns('posts' as never)).toThrow(/array of patterns/);
  });

  it('takes the keys that look as its keyPattern says, and nothing in that but the star means anything', () => {
    const takes = checkPattern({ ...good, keyPattern: 'a.b:*:c' }).takesKey;
    expect(['a.b::c', 'a.b:1:c', 'a.b:1\n2:c'].map(takes)).toEqual([true, true, true]);
    expect(['axb:1:c', 'a.b:1:d', ' a.b:1:c', 'a.b:c'].map(takes)).toEqual([false, false, false, false]);
    expect(checkPattern(good).takesKey('anything')).toBe(true);
  });
});

describe('what a pattern loads', () => {
  const all = async (entries: Parameters<typeof chunks>[0]) => {
    const found = [];
    for await (const chunk of chunks(entries, 2)) found.push(chunk);
    return found;
  };
  const pairs = [
    ['a', 1],
    ['b', 2],
    ['c', 3],
  ] as const;

  it('may be a Map, an array of pairs, or a stream of them', async () => {
    async function* stream() {
      yield* pairs;
    }
    const expected = [pairs.slice(0, 2), pairs.slice(2)];
    expect(await all(new Map(pairs))).toEqual(expected);
    expect(await all(pairs)).toEqual(expected);
    expect(await all(stream())).toEqual(expected);
    expect([knownTotal(new Map(pairs)), knownTotal(pairs), knownTotal(stream())]).toEqual([3, 3, undefined]);
  });

  it.each([[undefined], [null], [{ a: 1 }], [5], [['a', 'b']], [[['a']]]])('may not be %j', async (wrong) => {
    await expect(all(wrong as never)).rejects.toThrow(InvalidOptionError);
  });
});
