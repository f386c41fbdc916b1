import { clearNamespace } from '../client/clear-namespace.js';
import { InvalidOptionError } from '../errors.js';
import { insidesOf, type CacheManager, type ManagerInsides } from '../manager/cache-manager.js';
import { keySpace, type OpenQueue } from '../manager/cache-parts.js';
import type { CachePreloader } from '../preload/cache-preloader.js';
import { shown } from '../runtime/shown.js';
import { Refusal } from './exchange.js';

/** What one key holds, for people. */
export interface InspectedEntry {
  readonly value: string;
  /** Whether the value was too long to be shown whole. */
  readonly cut: boolean;
  readonly layer: 'memory' | 'redis';
  /** Milliseconds since its load began, and that it stays fresh; null: for ever. */
  readonly age: number;
  readonly freshFor: number | null;
  readonly stale: boolean;
  readonly tags: readonly string[];
  /** Milliseconds Redis keeps it; null: for ever. Left out where Redis has none or cannot tell. */
  readonly ttl?: number | null;
  /** What it takes in Redis, by MEMORY USAGE. */
  readonly bytes?: number;
  /** As it stands in Redis. */
  readonly redisKey: string;
}

const LONGEST_SHOWN = 65_536;

/** A cache as its dashboard sees it: its namespaces by their names, its queues, its preloaders. */
export class Inside {
  readonly cache: CacheManager;
  readonly #root: ManagerInsides;

  /** @throws InvalidOptionError */
  constructor(cache: CacheManager) {
    const root = insidesOf(cache);
    if (!root) throw new InvalidOptionError('dashboard: expected a cache made by createCache');
    this.cache = cache;
    this.#root = root;
  }

  get closed(): boolean {
    return this.#root.cache.closed;
  }

  get queues(): readonly OpenQueue[] {
    return this.#root.cache.queues;
  }

  get preloaders(): readonly CachePreloader[] {
    return this.#root.cache.preloaders;
  }

  /** The namespaces that the application made, the outermost first. Looking makes none: that would fix its options. */
  namespaces(): Map<string, CacheManager> {
    const found = new Map<string, CacheManager>();
    const visit = (cache: CacheManager): void => {
      const inside = insidesOf(cache) as ManagerInsides;
      found.set(keySpace(inside.path).toString(), cache);
      for (const within of inside.namespaces.values()) visit(within);
    };
    visit(this.cache);
    return found;
  }

  /** @throws Refusal where there is none. */
  namespace(name: string): CacheManager {
    const found = this.namespaces().get(name);
    if (!found) throw new Refusal(404, `The application has no namespace '${name}'.`);
    return found;
  }

  /** Reads a key as a caller of `getEntry` does; it counts as a read. */
  async entry(namespace: string, key: string): Promise<InspectedEntry | undefined> {
    const cache = this.namespace(namespace);
    const { path } = insidesOf(cache) as ManagerInsides;
    const redisKey = keySpace(path).prefix + key;
    const found = await cache.getEntry(key);
    if (!found) return undefined;
    const [ttl, bytes] = await Promise.all([cache.ttl(key), this.#bytesOf(redisKey)]);
    const text = shown(found.value);
    return {
      value: text.slice(0, LONGEST_SHOWN),
      cut: text.length > LONGEST_SHOWN,
      layer: found.layer,
      age: found.age,
      freshFor: finite(found.freshFor),
      stale: found.stale,
      tags: found.tags,
      redisKey,
      ...(ttl !== undefined && { ttl: finite(ttl) }),
      ...(bytes !== undefined && { bytes }),
    };
  }

  /**
   * Removes all entries of one namespace, and not of those within it. Loads under way are not stored. The cost is that of a look
   * at all keys of the server.
   *
   * @returns how many Redis had.
   * @throws InvalidOptionError for bare keys; CacheError of the first step that failed.
   */
  async clear(namespace: string): Promise<number> {
    const { layers, path } = insidesOf(this.namespace(namespace)) as ManagerInsides;
    const { port } = this.#root.cache;
    layers.forgetAll();
    if (!port) return 0;
    try {
      return await clearNamespace(port, keySpace(path).prefix);
    } finally {
      // Redis tells the others, not us, and what was read meanwhile may be gone.
      layers.forgetAll();
    }
  }

  async #bytesOf(redisKey: string): Promise<number | undefined> {
    const { port } = this.#root.cache;
    try {
      const reply = await port?.send({ key: redisKey, args: ['MEMORY', 'USAGE', redisKey] });
      return typeof reply === 'number' ? reply : undefined;
    } catch {
      return undefined; // shown as unknown, as it is
    }
  }
}

/** JSON has no infinity. */
function finite(number: number): number | null {
  return Number.isFinite(number) ? number : null;
}
