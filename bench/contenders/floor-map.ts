import type { Contender } from '../contender.js';

export const contender: Contender = {
  name: 'Map, awaited',
  role: 'floor',
  packages: [],
  configured: {
    memory:
      'a Map whose lookup is handed out as a promise: no expiry, no bound, no Redis; nothing awaited can cost less',
  },
  setup() {
    const map = new Map<string, unknown>();
    return Promise.resolve({
      get: (key) => Promise.resolve(map.get(key)),
      set(key, value) {
        map.set(key, value);
        return Promise.resolve();
      },
      delete(key) {
        map.delete(key);
        return Promise.resolve();
      },
      getOrSet(key, load) {
        const held = map.get(key);
        if (held !== undefined) return Promise.resolve(held);
        return load().then((value) => {
          map.set(key, value);
          return value;
        });
      },
      close: () => Promise.resolve(),
    });
  },
};
