import type { Contender } from '../contender.js';
import { setupLayeredLoader } from './layered-loader.js';

export const contender: Contender = {
  name: 'layered-loader, with deadlines',
  role: 'peer',
  packages: ['layered-loader', 'ioredis6'],
  configured: {
    'memory+redis':
      'as layered-loader, with ioredis { commandTimeout: 250, maxRetriesPerRequest: 1 } for all its clients',
  },
  setup: (setup) => setupLayeredLoader(setup, { commandTimeout: 250, maxRetriesPerRequest: 1 }),
};
