import { LRUCache } from 'lru-cache';
import { MemoryStore } from 'tiercel';

/** What both memories are given. */
export interface Room {
  readonly entries: number;
  /** Bytes of each key's value; left out: all are alike, and only entries are counted. */
  readonly weights?: Uint32Array | undefined;
}

export interface Replayed {
  readonly tiercel: number;
  readonly lru: number;
}

/** Bytes of a memory that holds so many entries of the mean weight. */
function bytesOf(entries: number, weights: Uint32Array): number {
  return Math.round((weights.reduce((sum, weight) => sum + weight, 0) / weights.length) * entries);
}

/** Asks both for each key and stores it where it was missed. @returns hits. */
export function replay(requests: Uint32Array, keys: number, { entries, weights }: Room): Replayed {
  const names = Array.from({ length: keys }, (_, id) => `key:${id}`);
  const maxBytes = weights ? bytesOf(entries, weights) : 2 ** 40;
  const store = weights
    ? new MemoryStore<true>({ maxBytes })
    : new MemoryStore<true>({ maxBytes, maxEntries: entries });
  const lru = weights
    ? new LRUCache<string, true>({ maxSize: maxBytes, maxEntrySize: maxBytes })
    : new LRUCache<string, true>({ max: entries });
  // What MemoryStore counts beyond the value, so that both count the same.
  const overhead = weights && overheadOf(names[0] ?? '');
  let inStore = 0;
  let inLru = 0;
  for (const id of requests) {
    const name = names[id] as string;
    const size = weights?.[id] as number;
    if (store.get(name)) inStore++;
    else if (overhead === undefined) store.set(name, true);
    else store.set(name, true, { size: Math.max(0, size - overhead) });
    if (lru.get(name)) inLru++;
    else if (overhead === undefined) lru.set(name, true);
    else lru.set(name, true, { size: Math.max(overhead, size) });
  }
  return { tiercel: inStore, lru: inLru };
}

function overheadOf(name: string): number {
  const store = new MemoryStore<true>({ maxBytes: '1mb' });
  store.set(name, true, { size: 0 });
  return store.bytes;
}
