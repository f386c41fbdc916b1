import type { Contender } from '../contender.js';
import { setupTiercel } from './tiercel.js';

export const contender: Contender = {
  name: 'tiercel, one server',
  role: 'floor',
  packages: ['tiercel', '@redis/client'],
  configured: { redis: 'what a Cluster costs: the same cache over one server that is no Cluster' },
  setup: (setup) => setupTiercel(setup),
};
