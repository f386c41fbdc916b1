import type { Contender } from '../contender.js';

export const contender: Contender = {
  name: 'no cache',
  role: 'floor',
  packages: [],
  configured: { nothing: 'every call is a load' },
  setup: () =>
    Promise.resolve({
      get: () => Promise.resolve(undefined),
      set: () => Promise.resolve(),
      delete: () => Promise.resolve(),
      getOrSet: (_key, load) => load(),
      close: () => Promise.resolve(),
    }),
};
