import type { Contender } from '../contender.js';
import { setupTiercel } from './tiercel.js';

export const contender: Contender = {
  name: 'tiercel',
  role: 'ours',
  packages: ['tiercel', '@redis/client'],
  configured: {
    redis: 'createCache({ redis: { cluster: urls }, namespace, ttl, memory: false }), the rest by default',
  },
  setup: (setup) => setupTiercel(setup, { cluster: setup.resourceUrl?.split(',') ?? [] }),
};
