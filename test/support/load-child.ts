/**
 * A process of its own with a cache: told what to do, it calls `getOrSet` and says what came of it. Run by `loadInChild`.
 */
import { createCache } from 'tiercel';
import type { ChildOrder, ChildReport } from './load-in-child.js';
import { waysToHear } from './ways-to-hear.js';

const [, , url = '', name] = process.argv;
const way = waysToHear.find((one) => one.name === name);
if (!way) throw new Error(`there is no way ${name}`);
const { redis } = await way.open(url, { commandTimeout: '2s' });
const cache = createCache({ redis, namespace: 'fleet', coherence: way.coherence });

process.on('message', (order: ChildOrder) => {
  void work(order).then((report) => process.send?.(report));
});
process.on('disconnect', () => process.exit());

async function work({ key, callers, takes, options }: ChildOrder): Promise<ChildReport> {
  let loads = 0;
  const times: number[] = [];
  const load = async (): Promise<string> => {
    loads++;
    process.send?.({ began: true });
    await new Promise((resolve) => setTimeout(resolve, takes));
    return `loaded by ${process.pid}`;
  };
  const call = async (): Promise<unknown> => {
    const began = performance.now();
    const value = await cache.getOrSet(key, load, options);
    times.push(performance.now() - began);
    return value;
  };
  const values = await Promise.all(Array.from({ length: callers }, call));
  return { loads, times, values: [...new Set(values)] };
}

await cache.ready();
process.send?.({ ready: true });
