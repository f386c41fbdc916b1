/** One process's cache, as the conformance suite uses it. Memory and Redis, where the cache has both. */
export interface ConformanceCache {
  /** The value, or what the loader brings; `load` rejects where the truth cannot be had. */
  getOrSet(key: string, load: () => Promise<unknown>): Promise<unknown>;
  /** Resolves when the cache calls it done; rejects where it knows that it is not. */
  set(key: string, value: unknown): Promise<void>;
  /** The same for the removal of a key. */
  delete(key: string): Promise<void>;
  close(): Promise<void>;
  /** Missing where the cache has no tags. */
  readonly tags?: {
    getOrSet(key: string, tag: string, load: () => Promise<unknown>): Promise<unknown>;
    invalidate(tag: string): Promise<void>;
  };
  /**
   * Missing where the cache does not write behind: acknowledges a write that is handed to `toDatabase` later, perhaps by another
   * process that has called this too, perhaps more than once.
   */
  writeBehind?(toDatabase: (id: string, value: unknown) => Promise<void>): {
    write(id: string, value: unknown): Promise<void>;
  };
}

/** A Redis that the suite may ill-treat. What was written must survive `kill` and `restart`. */
export interface ConformanceRedis {
  readonly url: string;
  /** SIGSTOP: connections are accepted and nothing is answered. */
  freeze(): Promise<void>;
  /** SIGCONT. */
  thaw(): Promise<void>;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** On the same port, with the same data. */
  restart(): Promise<void>;
  /** One command from outside, such as `DEL key`. */
  cli(...args: string[]): Promise<unknown>;
}

/** What is tried. */
export interface ConformanceSubject {
  /** Of its own for the suite; it is emptied again and again. */
  readonly redis: ConformanceRedis;
  /** Another instance over the same keys, as another process would open it. Resolves once it is connected. */
  open(redisUrl: string): Promise<ConformanceCache>;
  /** The key of Redis behind a key, for what others do to it; missing where that cannot be told. */
  redisKey?(key: string): string;
  /** Milliseconds after which an answer counts as none. Default 3000. */
  readonly patience?: number;
  /** Milliseconds that a change may take to be seen by another instance. Default 500. */
  readonly hop?: number;
  /** Milliseconds that a copy may be served once Redis cannot be heard, and until all is well again after a fault. Default 8000. */
  readonly recovery?: number;
}

export type PromiseName = 'P1' | 'P2' | 'P3' | 'P4' | 'P5' | 'P6' | 'P7' | 'P8';

/** One thing that a cache does or does not. */
export interface ConformanceCheck {
  readonly promise: PromiseName;
  readonly name: string;
  /** Resolves where it does. @throws NotOffered where the cache has no such thing; Error that says what happened instead. */
  readonly run: () => Promise<void>;
}

/** The cache has nothing that the check is about. */
export class NotOffered extends Error {
  override readonly name = 'NotOffered';
}
