import type { Compression } from '../codec/compression/compression.js';

/** How one entry is loaded and kept, complete and in milliseconds: what the options of a call come to. */
export interface EntryPolicy {
  /** Fresh for this long; `Infinity` for ever. */
  readonly ttl: number;
  /** After `ttl`: served as it is while one refresh runs behind it (RFC 5861). */
  readonly staleWhileRevalidate: number;
  /** After `ttl`: served when the load fails, or passes its soft timeout (RFC 5861). */
  readonly staleIfError: number;
  /** Every `ttl` is shortened by up to this fraction, so that what was loaded together does not expire together. */
  readonly jitter: number;
  /** XFetch's beta: 0 for never before it is stale. */
  readonly earlyRefresh: number;
  /** The `ttl` of `null`, where that is another. */
  readonly negativeTtl: number | undefined;
  /** A load that takes longer goes on, while a stale value answers. */
  readonly softTimeout: number;
  /** A load that takes longer has failed. */
  readonly hardTimeout: number;
  /** How long the right to load stands without a sign of life from its holder. */
  readonly lease: number;
  readonly tags: readonly string[];
  /** The longest that a copy stays in the process; 0 for none. */
  readonly memory: number;
  /** How its payload is made smaller; undefined for not at all. */
  readonly compression: Compression | undefined;
  /** Whether it is a bare value, without room for what is said of it: it is fresh for as long as Redis keeps it. */
  readonly plain: boolean;
}
