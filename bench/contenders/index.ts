import type { Contender } from '../contender.js';

/** Each is imported only in the process that runs it. The order is that of the tables where nothing else decides. */
const MODULES = {
  tiercel: () => import('./tiercel.js'),
  bentocache: () => import('./bentocache.js'),
  cacheable: () => import('./cacheable.js'),
  'cache-manager': () => import('./cache-manager.js'),
  'layered-loader': () => import('./layered-loader.js'),
  'async-cache-dedupe': () => import('./async-cache-dedupe.js'),
  cachified: () => import('./cachified.js'),
  'floor-send-command': () => import('./floor-send-command.js'),
  'floor-node-redis': () => import('./floor-node-redis.js'),
  'floor-ioredis': () => import('./floor-ioredis.js'),
} as const satisfies Record<string, () => Promise<{ contender: Contender }>>;

export const CONTENDER_IDS: readonly string[] = Object.keys(MODULES);

/** @throws Error for an id that is not one of `CONTENDER_IDS`. */
export async function importContender(id: string): Promise<Contender> {
  if (!Object.hasOwn(MODULES, id)) throw new Error(`no contender is called ${id}`);
  return (await MODULES[id as keyof typeof MODULES]()).contender;
}
