import type { Contender } from '../contender.js';
import { setupCacheable } from './cacheable.js';

export const contender: Contender = {
  name: 'cacheable, useClone: false',
  role: 'peer',
  packages: ['cacheable', 'keyv', '@keyv/redis'],
  configured: {
    'memory+redis':
      'as cacheable, with createKeyv({ lruSize, useClone: false }): its memory shares values instead of copying them',
  },
  setup: (setup) => setupCacheable(setup, { useClone: false }),
};
