import type { Contender } from '../contender.js';
import { setupBentocache } from './bentocache.js';

export const contender: Contender = {
  name: 'bentocache, with deadlines',
  role: 'peer',
  packages: ['bentocache', 'ioredis'],
  configured: {
    'memory+redis':
      "as bentocache, with l2CircuitBreakerDuration: '1s' and ioredis { commandTimeout: 250, maxRetriesPerRequest: 1 }",
  },
  setup: (setup) =>
    setupBentocache(setup, {
      l2CircuitBreakerDuration: '1s',
      redis: { commandTimeout: 250, maxRetriesPerRequest: 1 },
    }),
};
