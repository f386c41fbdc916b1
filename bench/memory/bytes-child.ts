// One contender in a process of its own, with --expose-gc: what is on the heap is its own.
import { LRUCache } from 'lru-cache';
import { createCache, MemoryStore } from 'tiercel';
import { MIXES, type Mix } from './mixes.js';
import { Random } from '../../demo/random.js';

const TTL = 15 * 60_000;
const ENTRIES = 100_000;
const VALUE = Object.freeze({ id: 1 });

/** Bytes that live: the heap of JavaScript, and what typed arrays and Buffers have outside of it. */
async function bytesHeld(): Promise<number> {
  for (let i = 0; i < 4; i++) {
    globalThis.gc?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

interface Filled {
  /** Whatever keeps it alive. */
  readonly held: unknown;
  readonly set: (key: string) => unknown;
}

const CONTENDERS: Readonly<Record<string, () => Filled>> = {
  Map: () => {
    const map = new Map<string, object>();
    return { held: map, set: (key) => map.set(key, VALUE) };
  },
  'lru-cache, ttl': () => {
    const lru = new LRUCache<string, object>({ max: ENTRIES, ttl: TTL });
    return { held: lru, set: (key) => lru.set(key, VALUE) };
  },
  'MemoryStore, ttl': () => {
    const store = new MemoryStore<object>({ maxBytes: 2 ** 34, maxEntries: ENTRIES });
    return { held: store, set: (key) => store.set(key, VALUE, { ttl: TTL }) };
  },
  'a copy in a cache': () => {
    const cache = createCache({ memory: { maxBytes: 2 ** 34, maxEntries: ENTRIES }, ttl: TTL });
    return { held: cache, set: (key) => cache.set(key, VALUE) };
  },
};

/** What an entry takes beyond its key and value: when all are in, and when four times as many came and went. */
async function overhead(contender: string): Promise<readonly number[]> {
  const make = CONTENDERS[contender];
  if (make === undefined) throw new Error(`there is no ${contender}`);
  const keys = Array.from({ length: 5 * ENTRIES }, (_, i) => `user:${i}`);
  const before = await bytesHeld();
  const { held, set } = make();
  for (const key of keys.slice(0, ENTRIES)) await set(key);
  const full = await bytesHeld();
  if (held instanceof Map) return [(full - before) / ENTRIES];
  for (const key of keys.slice(ENTRIES)) await set(key);
  const later = await bytesHeld();
  // Everything that was measured is still there.
  if (held === undefined || keys.length === 0) throw new Error('what was measured has gone');
  return [(full - before) / ENTRIES, (later - before) / ENTRIES];
}

/** What a store says that it holds, and what it does, after each of the mixes. */
async function bound(): Promise<
  readonly (readonly [mix: string, entries: number, said: number, real: number])[]
> {
  const numbers = new Random(4);
  const random = (): number => numbers.next();
  const before = await bytesHeld();
  const store = new MemoryStore<unknown>({ maxBytes: '64mb' });
  const found: (readonly [string, number, number, number])[] = [];
  let next = 0;
  for (const [name, mix] of Object.entries<Mix>(MIXES)) {
    for (let filled = 0; filled < 2 * 64 * 2 ** 20;) {
      const [value, bytes] = mix(random, next);
      filled += bytes + 150;
      store.set(`user:${next++}`, value, { ttl: TTL });
      // Some are asked for again, some go before their time.
      store.get(`user:${Math.floor(next * random())}`);
      if (next % 10 === 0) store.delete(`user:${Math.floor(next * random())}`);
    }
    found.push([name, store.size, store.bytes, (await bytesHeld()) - before]);
  }
  return found;
}

const [what = '', contender = ''] = process.argv.slice(2);
process.send?.(what === 'overhead' ? await overhead(contender) : await bound());
process.disconnect?.();
