import type { ConformanceCache } from 'tiercel/testing';

/** Loads what is not in the cache. */
export type Load<T> = () => Promise<T>;

/** What a round asks of a cache. Values are plain JSON data, so that every codec keeps them whole. */
export interface BenchCache {
  /** The value, or undefined. */
  readonly get: (key: string) => Promise<unknown>;
  /** Resolves when the cache itself calls the write done. */
  readonly set: (key: string, value: unknown, ttlMs: number) => Promise<void>;
  /** Resolves when the cache itself calls the key gone. */
  readonly delete: (key: string) => Promise<void>;
  /** A hit, or the value that `load` brought and the cache has stored. */
  readonly getOrSet: (key: string, load: Load<unknown>) => Promise<unknown>;
  /** The values of many keys by one call, in the order asked; missing where the library has no such call. */
  readonly getMany?: (keys: readonly string[]) => Promise<readonly unknown[]>;
  readonly close: () => Promise<void>;
  /** For the conformance checks; missing where the library has no such thing. */
  readonly tags?: ConformanceCache['tags'];
  /** The same. */
  readonly writeBehind?: ConformanceCache['writeBehind'];
}

/** What stands behind a `BenchCache`: both layers with the library's own notifications, one of them, or nothing at all. */
export type Layers = 'memory+redis' | 'redis' | 'memory' | 'nothing';

export interface Setup {
  readonly redisUrl: string;
  /** What the workload's `resource` started, for all contenders. */
  readonly resourceUrl: string | undefined;
  /** Every key of this contender begins with it; contenders never see each other's keys. */
  readonly prefix: string;
  /** How long entries live, where it is set for the whole cache. The same for all. */
  readonly ttlMs: number;
  /** One of those that the contender offers. */
  readonly layers: Layers;
  /** How many entries the memory may hold. The same for all. */
  readonly memoryEntries: number;
  /** Whether tags are used, for a library that has to be told. */
  readonly usesTags?: boolean;
  /** For a cache that bounds its memory by bytes. Undefined: as it comes, which holds that many entries. */
  readonly memoryBytes: number | undefined;
}

/** `ours` is Tiercel, a `peer` is a library a user could take instead, a `floor` is what there is without any cache library. */
export type Role = 'ours' | 'peer' | 'floor';

export interface Contender {
  readonly name: string;
  readonly role: Role;
  /** Packages whose versions are printed, the most telling first. */
  readonly packages: readonly string[];
  /** The layers it offers, and what was configured for each, in one sentence; it is printed with the results. */
  readonly configured: Readonly<Partial<Record<Layers, string>>>;
  /**
   * The key of Redis behind a key; given where whoever changes that is to be noticed: the library says so, or keeps no copies.
   */
  readonly redisKey?: (prefix: string, key: string) => string;
  /** Resolves once the connection is up. */
  readonly setup: (setup: Setup) => Promise<BenchCache>;
}

/** For clients that end the process when nobody listens to their errors, as their manuals say. The calls themselves fail or not. */
export const ignoreErrors = (): void => undefined;
