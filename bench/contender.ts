/** Loads what is not in the cache. */
export type Load<T> = () => Promise<T>;

/** What a round asks of a cache. Values are plain JSON data, so that every codec keeps them whole. */
export interface BenchCache {
  /** The value, or undefined. */
  get(key: string): Promise<unknown>;
  /** Resolves when the cache itself calls the write done. */
  set(key: string, value: unknown, ttlMs: number): Promise<void>;
  /** A hit, or the value that `load` brought and the cache has stored. */
  getOrSet(key: string, load: Load<unknown>): Promise<unknown>;
  close(): Promise<void>;
}

export interface Setup {
  readonly redisUrl: string;
  /** Every key of this contender begins with it; contenders never see each other's keys. */
  readonly prefix: string;
  /** How long entries live, where it is set for the whole cache. The same for all. */
  readonly ttlMs: number;
}

/** `ours` is Tiercel, a `peer` is a library a user could take instead, a `floor` is a bare client with no cache around it. */
export type Role = 'ours' | 'peer' | 'floor';

export interface Contender {
  readonly name: string;
  readonly role: Role;
  /** Packages whose versions are printed, the most telling first. */
  readonly packages: readonly string[];
  /** What was configured, in one sentence; it is printed with the results. */
  readonly configured: string;
  /** Resolves once the connection is up. */
  setup(setup: Setup): Promise<BenchCache>;
}
