import type { Contender } from '../contender.js';
import { setupBentocache } from './bentocache.js';

export const contender: Contender = {
  name: 'bentocache, serialize: false',
  role: 'peer',
  packages: ['bentocache', 'ioredis'],
  configured: {
    'memory+redis':
      'as bentocache, with memoryDriver({ maxItems, serialize: false }): its memory shares values instead of keeping text',
  },
  setup: (setup) => setupBentocache(setup, { serialize: false }),
};
