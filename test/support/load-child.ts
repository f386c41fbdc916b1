/**
 * A process of its own with a cache: told what to do, it calls `getOrSet`, or reads by a strategy, and says what came of it. Run
 * by `CacheChild`.
 */
import { createCache } from 'tiercel';
import type { ChildOrder, ChildReport, LoadSpan } from './load-in-child.js';
import { strategies, type Rows } from './strategies.js';
import { waysToHear } from './ways-to-hear.js';

const [, , url = '', name, namespace = ''] = process.argv;
const way = waysToHear.find((one) => one.name === name);
if (!way) throw new Error(`there is no way ${name}`);
const { redis } = await way.open(url, { commandTimeout: '2s' });
const cache = createCache({ redis, namespace, coherence: way.coherence });

/** What a row is loaded by at the moment. */
let loadRow = async (): Promise<string> => '';
const refuse = async (): Promise<never> => Promise.reject(new Error('this process only reads'));
const store = {
  load: () => loadRow(),
  loadMany: (ids: readonly number[]) => Promise.all(ids.map(() => loadRow())),
  save: refuse,
  remove: refuse,
};
const rowsBy = new Map<string, Rows<string>>();

function rowsOf(strategy: string): Rows<string> {
  const opened = rowsBy.get(strategy);
  if (opened) return opened;
  const known = strategies.find((one) => one.name === strategy);
  if (!known) throw new Error(`there is no strategy ${strategy}`);
  const rows = known.open<string>(cache, store);
  rowsBy.set(strategy, rows);
  return rows;
}

process.on('message', (order: ChildOrder) => {
  void work(order).then((report) => process.send?.(report));
});
process.on('disconnect', () => process.exit());

/** The same in every process of the machine, and never set back. */
function now(): number {
  return performance.timeOrigin + performance.now();
}

async function work(order: ChildOrder): Promise<ChildReport> {
  const { key, callers, takes, options, strategy, refresh } = order;
  let loads = 0;
  const times: number[] = [];
  const load = async (): Promise<string> => {
    loads++;
    process.send?.({ began: true });
    const began = now();
    await new Promise((resolve) => setTimeout(resolve, takes));
    process.send?.({ span: [began, now()] satisfies LoadSpan });
    return `loaded by ${process.pid}`;
  };
  loadRow = load;
  const rows = refresh && cache.resource('row', { load, ...options, refresh });
  const read = (): Promise<unknown> => {
    if (strategy !== undefined) return rowsOf(strategy).get(Number(key));
    return rows?.get(key) ?? cache.getOrSet(key, load, options);
  };
  const call = async (): Promise<unknown> => {
    const began = performance.now();
    const value = await read();
    times.push(performance.now() - began);
    return value;
  };
  const values = await Promise.all(Array.from({ length: callers }, call));
  return { loads, times, values: [...new Set(values)] };
}

await cache.ready();
process.send?.({ ready: true });
