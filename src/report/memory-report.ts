import type { Codec } from '../codec/codec.js';
import type { Duration } from '../duration.js';

/** Bounds of a memory report, and what it compares. */
export interface MemoryReportOptions {
  /** Keys that are measured, over all servers; the rest is estimated from them. Default 10,000. */
  readonly maxKeys?: number;
  /** How long it may look for keys. What it has by then it reports. Default 10 s. */
  readonly timeout?: Duration;
  /**
   * Values that are stored again, on paper, in the other ways there are. It costs their transfer and CPU: the event loop is
   * let go of between any two. Values above 1 MiB are left out. Default 200; 0 for none.
   */
  readonly compare?: number;
  /** Further codecs to compare with; those of the cache, msgpack, json and v8 always are. */
  readonly codecs?: readonly Codec[];
  /** How many of the largest keys are named. Default 10. */
  readonly largest?: number;
  /** Told how far the look at the keys is, a share from 0 to 1 that grows. */
  readonly onProgress?: (share: number) => void;
}

export interface KeysAndBytes {
  readonly keys: number;
  /** As Redis counts them (`MEMORY USAGE`): key, value, and what it keeps for each. */
  readonly bytes: number;
}

/** Some of the keys. */
export interface MemoryShare {
  /** Those that were measured. */
  readonly sampled: KeysAndBytes;
  /** All there are. The same as `sampled` where the report is complete, else rounded estimates. */
  readonly estimated: KeysAndBytes;
}

/** What the bytes of values consist of. All of it together is `kinds.value`. */
export interface MemoryParts {
  /** What the codec and the compressor made of the values. */
  readonly payloads: MemoryPart;
  /** The headers of the entries (docs/format.md). */
  readonly headers: MemoryPart;
  readonly keyNames: MemoryPart;
  /** What Redis adds: its objects, and what the allocator rounds up. */
  readonly redis: MemoryPart;
}

export interface MemoryPart {
  readonly sampledBytes: number;
  readonly estimatedBytes: number;
}

/** One of the largest keys that were measured. */
export interface LargeKey {
  /** As it stands in Redis. */
  readonly redisKey: string;
  readonly namespace: string;
  readonly kind: keyof MemoryReport['kinds'];
  readonly bytes: number;
  /** Milliseconds it has left; missing when it never expires. */
  readonly ttl?: number;
}

/** What the compared values would take if they were stored in another way, or are stored in the one they are. */
export interface StorageAlternative {
  readonly codec: string;
  readonly compressor: string;
  /** Values that this way can store; the figures below are of these. */
  readonly values: number;
  /** Values that the codec refuses. */
  readonly refused: number;
  /** What `values` take now, as Redis counts. */
  readonly bytesNow: number;
  /** What they would take: an estimate, see `allocator`. */
  readonly bytes: number;
  /** `bytes` / `bytesNow`: below 1 is smaller than now. */
  readonly ratio: number;
  /** Of the payloads alone. */
  readonly payloadBytes: number;
  /** Mean CPU time of one value in this process, in microseconds. */
  readonly encodeMicros: number;
  readonly decodeMicros: number;
}

/**
 * What a namespace takes in Redis, as plain data. Where not every key was looked at, `complete` is false, and each figure
 * says what was measured and what is estimated from that. Keys come from SCAN, whose order has nothing to do with their
 * names or sizes, so the first of them are a fair sample.
 */
export interface MemoryReport {
  /** When it began, in milliseconds since the Unix epoch. */
  readonly takenAt: number;
  /** Milliseconds it took. */
  readonly took: number;
  /** The namespace as it stands in Redis; empty for bare keys. It includes those within it. */
  readonly namespace: string;
  /** How many servers were asked. */
  readonly servers: number;
  /** Whether every key was measured. */
  readonly complete: boolean;
  /** Why not. */
  readonly stoppedBy?: 'maxKeys' | 'timeout';
  /** All keys on these servers, of others too. */
  readonly databaseKeys: number;
  readonly total: MemoryShare;
  /**
   * `value`: entries. `lease`: markers of loads under way. `tag`: what invalidated tags leave. `shared`: what entries have in
   * common. `foreign`: what begins as the namespace's keys do and is none of ours, or cannot be read; collections among them
   * are measured by a few members.
   */
  readonly kinds: Readonly<Record<'value' | 'lease' | 'tag' | 'shared' | 'foreign', MemoryShare>>;
  /** All kinds, by namespace as it stands in Redis, `shop:eu` for `eu` within `shop`. */
  readonly namespaces: Readonly<Record<string, MemoryShare>>;
  /** Values, by codec. */
  readonly codecs: Readonly<Record<string, MemoryShare>>;
  /** Values, by compressor. */
  readonly compressors: Readonly<Record<string, MemoryShare>>;
  readonly parts: MemoryParts;
  /** Keys of all kinds that expire. */
  readonly expiring: MemoryShare;
  /**
   * Bytes that `MEMORY USAGE` does not tell of: about 22 a key for the table of keys, and 51 more for one that expires, as
   * `bench/memory-per-key.ts` measures them on Redis 7.0.
   */
  readonly untold: MemoryPart;
  /** Of those measured, the largest first. */
  readonly largest: readonly LargeKey[];
  /** The smallest first. */
  readonly alternatives: readonly StorageAlternative[];
  /** How the sizes of `alternatives` were found. */
  readonly allocator: AllocatorFit;
}

/** The size classes that explain best what was measured. */
export interface AllocatorFit {
  readonly name: string;
  /** Mean difference between what was measured and what the classes say, in bytes a key. */
  readonly meanError: number;
}
