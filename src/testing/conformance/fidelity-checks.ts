import { isDeepStrictEqual } from 'node:util';
import { show, type Stage } from './stage.js';

/** What is stored by one instance, and read by another that has nothing but the bytes in Redis. */
export const comesBack =
  (value: unknown) =>
  async (stage: Stage): Promise<void> => {
    const [here, there] = [await stage.open(), await stage.open()];
    await here.set('value', value);
    for (const cache of [there, here]) {
      let loaded = false;
      const back = await stage.within(
        'getOrSet',
        cache.getOrSet('value', async () => {
          loaded = true;
          return value;
        }),
      );
      if (loaded) throw new Error(`${show(value)} was stored and then loaded all the same`);
      if (!isDeepStrictEqual(back, value)) throw new Error(`${show(value)} came back as ${show(back)}`);
    }
  };

const ALIKE = [
  'a',
  'A',
  'a:',
  ':a',
  'a:b',
  'a::b',
  'a{b}',
  'a b',
  'a\n',
  'a\0',
  'á',
  'a\u0301',
  '__proto__',
  'constructor',
  '*',
];

/** Keys that one careless step on the way would make the same. */
export async function keysApart(stage: Stage): Promise<void> {
  const [here, there] = [await stage.open(), await stage.open()];
  for (const key of ALIKE) await here.set(key, `value of ${key}`);
  for (const key of ALIKE) {
    const back = await stage.within(
      'getOrSet',
      there.getOrSet(key, async () => 'nothing'),
    );
    if (back !== `value of ${key}`) throw new Error(`the key ${show(key)} has ${show(back)}`);
  }
}
