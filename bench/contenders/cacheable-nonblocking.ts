import type { Contender } from '../contender.js';
import { setupCacheable } from './cacheable.js';

export const contender: Contender = {
  name: 'cacheable, nonBlocking',
  role: 'peer',
  packages: ['cacheable', 'keyv', '@keyv/redis'],
  configured: {
    'memory+redis':
      'new Cacheable({ primary: createKeyv({ lruSize }), secondary: createKeyvNonBlocking(url), nonBlocking: true }), no sync',
  },
  setup: (setup) => setupCacheable(setup, { nonBlocking: true }),
};
