/**
 * MemoryStore is the cache inside the process by itself: an arena (arena.ts, where the structure is explained) with one region
 * and checked options.
 *
 * `bytes` is the sum of what the entries weigh, and never above `maxBytes` when a call returns. A value that was replaced,
 * deleted or refused is never returned again, and neither is one after its expiry, but for the turn of the event loop in which
 * it expires: the clock is read once a turn.
 */
import { parseByteSize, type ByteSize } from '../byte-size.js';
import { parseDuration, type Duration } from '../duration.js';
import { EncodeError, InvalidKeyError, InvalidOptionError } from '../errors.js';
import { describeValue, oneOf, positiveInteger, rejectUnknownOptions } from '../validate.js';
import { turnClock } from '../runtime/turn-clock.js';
import { Arena } from './arena.js';
import { freezeDeep } from './freeze-deep.js';
import type { Region } from './region.js';
import type { RemovalCounts, RemovalListener } from './removal.js';
import { sizeOf, sizeOfFlat, sizeOfString } from './size-of.js';
import { NONE } from './slot-queues.js';

/**
 * What stands between the callers who share a value:
 * - `'freeze'`: the value is shared and frozen deep as it enters, see {@link freezeDeep}. Changing it throws a
 *   TypeError in strict code. Buffers, typed arrays and class instances cannot be frozen and stay writable.
 * - `'clone'`: a `structuredClone` goes in and another comes out at every hit; slow, and safe for everything.
 * - `'share'`: the value as it is. Whoever changes it changes it for all.
 */
export type Isolation = 'freeze' | 'clone' | 'share';

export interface MemoryStoreOptions<V = unknown> {
  /** The most that keys, values and bookkeeping may take together, such as `'64mb'`. */
  readonly maxBytes: ByteSize;
  /** The most entries. Default: as many as the bytes allow. */
  readonly maxEntries?: number | undefined;
  /** Default `'freeze'`. */
  readonly isolation?: Isolation | undefined;
  /**
   * Milliseconds from any start, for tests. Called whenever the time is needed. Default: a monotonic clock that is
   * read once a turn of the event loop.
   */
  readonly now?: (() => number) | undefined;
  /**
   * Told of every value that leaves, and why. It runs within the call that removed the value, after all is done,
   * and may use the store; what it throws comes out of that call.
   */
  readonly onEvict?: RemovalListener<V> | undefined;
}

export interface MemorySetOptions {
  /** How long the value may be returned, Default: until it has to make room. */
  readonly ttl?: Duration | undefined;
  /** The bytes the value takes, where you know. Default: an estimate. */
  readonly size?: number | undefined;
}

/** What an entry takes beyond its key and value: its slot, and its place in the index. */
export const ENTRY_OVERHEAD = 88;

const OPTIONS = ['maxBytes', 'maxEntries', 'isolation', 'now', 'onEvict'];
const TTL_LIMITS = { allowInfinity: true };

/**
 * A cache in the memory of this process, bounded by bytes. All methods are synchronous.
 *
 * ```ts
 * const store = new MemoryStore<Profile>({ maxBytes: '64mb' });
 * store.set('user:42', profile, { ttl: '5m' });
 * store.get('user:42');
 * ```
 */
export class MemoryStore<V = unknown> {
  readonly #arena: Arena<V>;
  readonly #region: Region<V>;
  readonly #isolation: Isolation;
  readonly #clones: boolean;

  /** @throws InvalidOptionError */
  constructor(options: MemoryStoreOptions<V>) {
    rejectUnknownOptions(options, OPTIONS, 'new MemoryStore');
    const { maxEntries, isolation = 'freeze', now, onEvict } = options;
    this.#isolation = oneOf(isolation, ['freeze', 'clone', 'share'], 'isolation');
    this.#clones = isolation === 'clone';
    const ownNow = optionalFunction(now, 'now');
    this.#arena = new Arena<V>({
      maxBytes: parseByteSize(options.maxBytes, 'maxBytes'),
      maxEntries: maxEntries === undefined ? undefined : positiveInteger(maxEntries, 'maxEntries'),
      overhead: ENTRY_OVERHEAD,
      clock: ownNow ? { now: ownNow } : turnClock,
      onRemove: optionalFunction(onEvict, 'onEvict'),
    });
    this.#region = this.#arena.region();
  }

  /** Entries held. Those that have expired count until they are come across. */
  get size(): number {
    return this.#arena.size;
  }

  /**
   * What the entries take: their keys, values and {@link ENTRY_OVERHEAD} bytes each, and what the bookkeeping takes beyond that
   * in a store of many. Never above `maxBytes`.
   */
  get bytes(): number {
    return this.#arena.bytes;
  }

  /** How many values left for each reason, since the store was made. */
  get evictions(): Readonly<RemovalCounts> {
    return this.#arena.removals;
  }

  /** The value, or `undefined` if there is none. */
  get(key: string): V | undefined {
    return this.#out(this.#region.use(key));
  }

  /** Like {@link get}, but does not count as a use: the entry is no less likely to be evicted than before. */
  peek(key: string): V | undefined {
    return this.#out(this.#region.find(key));
  }

  /** Whether there is a value. Does not count as a use. */
  has(key: string): boolean {
    return this.#region.find(key) !== NONE;
  }

  /** Milliseconds the value has left, `Infinity` if it does not expire, `undefined` if there is none. */
  ttl(key: string): number | undefined {
    const slot = this.#region.find(key);
    return slot === NONE ? undefined : this.#arena.left(slot);
  }

  /**
   * Stores a value in place of the one that was there, and its time to live. Others may be evicted for it.
   *
   * @returns Whether it is stored. An entry larger than `maxBytes` or 4 GiB is not, nor one so large that many others, which
   *   were used as often, would have to leave for it; the one that was there is gone then.
   * @throws InvalidKeyError if the key is not a string; the empty string is one.
   * @throws InvalidOptionError for a wrong `ttl` or `size`.
   * @throws EncodeError for `undefined`, which means a miss, and for what `structuredClone` refuses with `'clone'`.
   */
  set(key: string, value: V, options?: MemorySetOptions): boolean {
    if (typeof key !== 'string') {
      throw new InvalidKeyError(`set: expected a string as key, got ${describeValue(key)}`, {
        operation: 'set',
      });
    }
    if (value === undefined) {
      throw new EncodeError('set: undefined cannot be stored, it means a miss', { operation: 'set', key });
    }
    const ttl = options?.ttl === undefined ? Infinity : parseDuration(options.ttl, 'ttl', TTL_LIMITS);
    const size = options?.size === undefined ? undefined : positiveInteger(options.size, 'size', { min: 0 });
    if (this.#isolation === 'freeze') return this.#setFrozen(key, value, size, ttl);
    const stored = this.#isolation === 'clone' ? this.#cloned(key, value) : value;
    return this.#region.set(key, stored, sizeOfString(key) + (size ?? sizeOf(stored)), ttl) !== NONE;
  }

  /**
   * Gives a value another time to live from now on.
   *
   * @returns Whether there is a value.
   * @throws InvalidOptionError
   */
  expire(key: string, ttl: Duration): boolean {
    const milliseconds = parseDuration(ttl, 'ttl', TTL_LIMITS);
    const slot = this.#region.find(key);
    if (slot !== NONE) this.#arena.setLife(slot, milliseconds, milliseconds);
    return slot !== NONE;
  }

  /** @returns Whether there was a value. */
  delete(key: string): boolean {
    return this.#region.delete(key);
  }

  /** Removes everything and gives the memory back. */
  clear(): void {
    this.#arena.clear();
  }

  /**
   * Removes everything that has expired, now. Never necessary: writes do it little by little.
   *
   * @returns How many entries were removed.
   */
  prune(): number {
    return this.#arena.prune();
  }

  /** The keys, in no particular order, without those that have expired. */
  keys(): IterableIterator<string> {
    return this.#region.keys();
  }

  #out(slot: number): V | undefined {
    if (slot === NONE) return undefined;
    const value = this.#region.value(slot);
    return this.#clones ? structuredClone(value) : value;
  }

  #setFrozen(key: string, value: V, size: number | undefined, ttl: number): boolean {
    // For small values the walks would be most of a call, and of a flat one the size tells that there is nowhere to go.
    const flat = sizeOfFlat(value);
    if (flat === undefined) freezeDeep(value);
    else Object.freeze(value);
    const bytes = size ?? flat ?? sizeOf(value);
    return this.#region.set(key, value, sizeOfString(key) + bytes, ttl) !== NONE;
  }

  #cloned(key: string, value: V): V {
    try {
      return structuredClone(value);
    } catch (cause) {
      throw new EncodeError('set: the value cannot be cloned', { operation: 'set', key, cause });
    }
  }
}

function optionalFunction<F>(value: F | undefined, name: string): F | undefined {
  if (value !== undefined && typeof value !== 'function') {
    throw new InvalidOptionError(`${name}: expected a function, got ${describeValue(value, name)}`);
  }
  return value;
}
