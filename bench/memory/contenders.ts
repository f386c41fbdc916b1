import { LRUCache } from 'lru-cache';
import { createCache, MemoryStore, type Isolation, type MemorySetOptions } from 'tiercel';
import { makeValues } from '../values.js';
import { makeKeys, makeRequests } from './keys.js';

/**
 * One operation, as often as asked: the requests after those of the last time. @returns something that depends on all of them, so that none can be left out.
 */
export type Loop = (times: number, from: number) => number | Promise<number>;

export type Maker = (keys: number) => Loop | Promise<Loop>;

const TTL = 15 * 60_000;
const MANY_BYTES = 2 ** 34;

/** A value as small as may be, for what concerns the memory alone. */
const VALUE = Object.freeze({ id: 1 });

interface Lookups {
  readonly set: (key: string, value: object) => unknown;
  /** Asks for the keys of one list; written out for each contender, so that no two share compiled code. */
  readonly loop: (requests: readonly string[]) => Loop;
}

function filled({ set, loop }: Lookups, count: number): Loop {
  const keys = makeKeys(count);
  for (const key of keys) set(key, VALUE);
  return loop(makeRequests(keys));
}

function readMap(count: number): Loop {
  const map = new Map<string, object>();
  const loop =
    (requests: readonly string[]): Loop =>
    (times, from) => {
      let found = 0;
      for (let i = from; i < from + times; i++)
        if (map.get(requests[i & (requests.length - 1)] as string) !== undefined) found++;
      return found;
    };
  return filled({ set: (key, value) => map.set(key, value), loop }, count);
}

const readLru =
  (ttl: number): Maker =>
  (count) => {
    const lru = new LRUCache<string, object>({ max: count, ttl });
    const loop =
      (requests: readonly string[]): Loop =>
      (times, from) => {
        let found = 0;
        for (let i = from; i < from + times; i++)
          if (lru.get(requests[i & (requests.length - 1)] as string) !== undefined) found++;
        return found;
      };
    return filled({ set: (key, value) => lru.set(key, value), loop }, count);
  };

const readStore =
  (ttl: number | undefined): Maker =>
  (count) => {
    const store = new MemoryStore<object>({ maxBytes: MANY_BYTES });
    const loop =
      (requests: readonly string[]): Loop =>
      (times, from) => {
        let found = 0;
        for (let i = from; i < from + times; i++)
          if (store.get(requests[i & (requests.length - 1)] as string) !== undefined) found++;
        return found;
      };
    return filled({ set: (key, value) => store.set(key, value, { ttl }), loop }, count);
  };

function peekStore(count: number): Loop {
  const store = new MemoryStore<object>({ maxBytes: MANY_BYTES });
  const loop =
    (requests: readonly string[]): Loop =>
    (times, from) => {
      let found = 0;
      for (let i = from; i < from + times; i++)
        if (store.peek(requests[i & (requests.length - 1)] as string) !== undefined) found++;
      return found;
    };
  return filled({ set: (key, value) => store.set(key, value, { ttl: TTL }), loop }, count);
}

async function peekCache(count: number): Promise<Loop> {
  const cache = createCache({ memory: { maxBytes: MANY_BYTES }, ttl: TTL });
  const keys = makeKeys(count);
  for (const key of keys) await cache.set(key, VALUE);
  const requests = makeRequests(keys);
  return (times, from) => {
    let found = 0;
    for (let i = from; i < from + times; i++)
      if (cache.peek(requests[i & (requests.length - 1)] as string) !== undefined) found++;
    return found;
  };
}

/** So many in turns that hardly any is held when its turn comes again, whatever was kept. */
function newKeys(count: number): string[] {
  return makeKeys(16 * count, 'other');
}

const setLru =
  (ttl: number): Maker =>
  (count) => {
    const lru = new LRUCache<string, object>({ max: count, ttl });
    const keys = newKeys(count);
    let at = 0;
    return (times) => {
      for (let i = 0; i < times; i++) {
        lru.set(keys[at] as string, VALUE);
        if (++at === keys.length) at = 0;
      }
      return lru.size;
    };
  };

const setStore =
  (options: MemorySetOptions, isolation: Isolation = 'freeze'): Maker =>
  (count) => {
    const store = new MemoryStore<object>({ maxBytes: MANY_BYTES, maxEntries: count, isolation });
    const keys = newKeys(count);
    let at = 0;
    return (times) => {
      for (let i = 0; i < times; i++) {
        store.set(keys[at] as string, VALUE, options);
        if (++at === keys.length) at = 0;
      }
      return store.size;
    };
  };

type Kind = 'profile' | 'posts';

const awaitMap =
  (kind: Kind): Maker =>
  () => {
    const { count, at } = makeValues(kind);
    const keys = makeKeys(count);
    const map = new Map(keys.map((key, i) => [key, at(i)]));
    const requests = makeRequests(keys);
    return async (times, from) => {
      let found = 0;
      for (let i = from; i < from + times; i++)
        if ((await map.get(requests[i & (requests.length - 1)] as string)) !== undefined) found++;
      return found;
    };
  };

function load(): never {
  throw new Error('everything is in memory');
}

const awaitCache =
  (kind: Kind, namespace?: string): Maker =>
  async () => {
    const { count, at } = makeValues(kind);
    const whole = createCache({ memory: { maxBytes: MANY_BYTES }, ttl: TTL });
    const cache = namespace === undefined ? whole : whole.namespace(namespace);
    const keys = makeKeys(count);
    for (const [i, key] of keys.entries()) await cache.set(key, at(i));
    const requests = makeRequests(keys);
    return async (times, from) => {
      let found = 0;
      for (let i = from; i < from + times; i++) {
        const value = await cache.getOrSet<unknown>(requests[i & (requests.length - 1)] as string, load);
        if (value !== undefined) found++;
      }
      return found;
    };
  };

export interface Workload {
  readonly title: string;
  /** Keys to try with. */
  readonly sizes: readonly number[];
  /** The first is what the others are compared with. */
  readonly contenders: Readonly<Record<string, Maker>>;
}

export const WORKLOADS: Readonly<Record<string, Workload>> = {
  read: {
    title: 'a hit, existing key, Zipf 0.99',
    sizes: [10_000, 100_000],
    contenders: {
      'Map.get': readMap,
      'lru-cache get': readLru(0),
      'lru-cache get, ttl': readLru(TTL),
      'MemoryStore.get': readStore(undefined),
      'MemoryStore.get, ttl': readStore(TTL),
      'MemoryStore.peek, ttl': peekStore,
      'cache.peek, ttl': peekCache,
    },
  },
  write: {
    title: 'set of a key not held, which pushes one out',
    sizes: [10_000, 100_000],
    contenders: {
      'lru-cache set': setLru(0),
      'lru-cache set, ttl': setLru(TTL),
      'MemoryStore.set': setStore({}),
      'MemoryStore.set, ttl': setStore({ ttl: TTL }),
      // Neither frozen nor measured, as with lru-cache.
      'the same, share, size': setStore({ ttl: TTL, size: 32 }, 'share'),
    },
  },
  'await-400B': {
    title: 'an awaited hit, values of 400 B, Zipf 0.99',
    sizes: [4_000],
    contenders: {
      'await Map.get': awaitMap('profile'),
      'await cache.getOrSet': awaitCache('profile'),
      'the same in a namespace': awaitCache('profile', 'part'),
    },
  },
  'await-10KiB': {
    title: 'an awaited hit, values of 10 KiB, Zipf 0.99',
    sizes: [2_000],
    contenders: {
      'await Map.get': awaitMap('posts'),
      'await cache.getOrSet': awaitCache('posts'),
      'the same in a namespace': awaitCache('posts', 'part'),
    },
  },
};
