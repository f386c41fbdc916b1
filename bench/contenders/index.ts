import type { Contender } from '../contender.js';

/** Each is imported only in the processes that run it. The order is that of the tables where nothing else decides. */
const MODULES = {
  tiercel: () => import('./tiercel.js'),
  bentocache: () => import('./bentocache.js'),
  cacheable: () => import('./cacheable.js'),
  'cache-manager': () => import('./cache-manager.js'),
  'layered-loader': () => import('./layered-loader.js'),
  'async-cache-dedupe': () => import('./async-cache-dedupe.js'),
  cachified: () => import('./cachified.js'),
  'bentocache-shared': () => import('./bentocache-shared.js'),
  'cacheable-shared': () => import('./cacheable-shared.js'),
  'bentocache-deadlines': () => import('./bentocache-deadlines.js'),
  'cacheable-nonblocking': () => import('./cacheable-nonblocking.js'),
  'layered-loader-deadlines': () => import('./layered-loader-deadlines.js'),
  'floor-map': () => import('./floor-map.js'),
  'floor-mget': () => import('./floor-mget.js'),
  'floor-send-command': () => import('./floor-send-command.js'),
  'floor-node-redis': () => import('./floor-node-redis.js'),
  'floor-ioredis': () => import('./floor-ioredis.js'),
  'tiercel-cluster': () => import('./tiercel-cluster.js'),
  'bentocache-cluster': () => import('./bentocache-cluster.js'),
  'floor-one-server': () => import('./floor-one-server.js'),
  'floor-ioredis-cluster': () => import('./floor-ioredis-cluster.js'),
  'floor-no-cache': () => import('./floor-no-cache.js'),
} as const satisfies Record<string, () => Promise<{ readonly contender: Contender }>>;

export type ContenderId = keyof typeof MODULES;

export const CONTENDER_IDS = Object.keys(MODULES) as readonly ContenderId[];

/** The cache libraries as they come, which take part in every comparison whose layers they offer. */
export const CACHES: readonly ContenderId[] = [
  'tiercel',
  'bentocache',
  'cacheable',
  'cache-manager',
  'layered-loader',
  'async-cache-dedupe',
  'cachified',
];

export async function importContender(id: ContenderId): Promise<Contender> {
  return (await MODULES[id]()).contender;
}
