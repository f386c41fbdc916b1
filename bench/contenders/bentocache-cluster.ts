import { Cluster, type Redis } from 'ioredis';
import type { Contender } from '../contender.js';
import { setupBentocache } from './bentocache.js';

export const contender: Contender = {
  name: 'bentocache',
  role: 'peer',
  packages: ['bentocache', 'ioredis'],
  configured: {
    redis:
      'bentostore().useL2Layer(redisDriver({ connection })) over a Cluster of ioredis 5; no L1 layer, no bus',
  },
  setup(setup) {
    const cluster = new Cluster(setup.resourceUrl?.split(',') ?? []);
    // Its types name one server only; what it calls, a Cluster has too.
    return setupBentocache(setup, { connection: cluster as unknown as Redis });
  },
};
