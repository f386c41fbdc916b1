import type { Watch } from '../coherence/watches.js';
import type { CacheError } from '../errors.js';
import type { Reader } from '../redis/port.js';
import type { Copies } from './copies.js';
import type { EntryPolicy } from './entry-policy.js';
import { traced } from './counted.js';
import { isServed, type Verdict } from './freshness.js';
import type { LayerContext, RedisParts } from './layer-context.js';
import type { Loading } from './loading.js';
import type { Found, StoredEntry } from './shared-tier.js';

export interface BulkReadParts {
  readonly context: LayerContext;
  readonly redis: RedisParts;
  readonly copies: Copies;
  readonly loading: Loading;
}

/**
 * Many keys read from Redis at once, and nothing loaded: one reader with a column of values, where a promise a key would cost
 * more than the key. What is found is kept in memory. A key that Redis cannot tell of is one without a value.
 */
export class BulkRead implements Reader {
  readonly #parts: BulkReadParts;
  readonly #keys: readonly string[];
  readonly #values: unknown[];
  readonly #policy: EntryPolicy;
  readonly #done: () => void;
  readonly #began = performance.now();
  /** By place in `keys`; empty where nothing would be kept. */
  readonly #watches: Array<Watch | undefined> = [];
  /** Whether but one key is read: else its time is that of all. */
  readonly #isOne: boolean;
  #missing: number;
  #failed = false;

  private constructor(
    parts: BulkReadParts,
    keys: readonly string[],
    values: unknown[],
    policy: EntryPolicy,
    missing: number,
    done: () => void,
  ) {
    this.#parts = parts;
    this.#keys = keys;
    this.#values = values;
    this.#policy = policy;
    this.#missing = missing;
    this.#isOne = missing === 1;
    this.#done = done;
  }

  /**
   * @param places - which of the keys to read; at least one.
   * @param values - where the values go, each in its key's place.
   */
  static run(
    parts: BulkReadParts,
    keys: readonly string[],
    places: readonly number[],
    values: unknown[],
    policy: EntryPolicy,
  ): Promise<void> {
    return new Promise((resolve) => {
      const read = new BulkRead(parts, keys, values, policy, places.length, resolve);
      for (const place of places) read.#ask(place);
    });
  }

  /** The same for one key. */
  static one<T>(parts: BulkReadParts, key: string, policy: EntryPolicy): Promise<T | undefined> {
    return new Promise((resolve) => {
      const values: unknown[] = [undefined];
      const read = new BulkRead(parts, [key], values, policy, 1, () => resolve(values[0] as T));
      read.#ask(0);
    });
  }

  #ask(place: number): void {
    const { context, copies, redis } = this.#parts;
    const key = this.#keys[place] as string;
    const redisKey = redis.shared.redisKey(key);
    if (copies.keeps(this.#policy)) this.#watches[place] = context.watches.begin(redisKey);
    redis.shared.readTo(redisKey, this.#isOne ? traced(context, key, this) : this, place, this);
  }

  received(bytes: Buffer | null, place: number): void {
    const { shared } = this.#parts.redis;
    const key = this.#keys[place] as string;
    const found = shared.decode(key, bytes);
    if (found.kind !== 'unfinished') this.#found(found, place);
    // A large value that is decompressed beside the event loop, or a blob that is not here yet. It never rejects.
    else void shared.finish(key, found).then((finished) => this.#found(finished, place));
  }

  #found(found: Found, place: number): void {
    const { redis, loading } = this.#parts;
    if (found.kind !== 'value') {
      this.#settle(place, 'miss');
      return;
    }
    const verdict = loading.judge(found, this.#policy, redis);
    if (verdict instanceof Promise) this.#judgeLater(found, place, verdict);
    else this.#take(found, place, verdict);
  }

  failed(error: CacheError, place: number): void {
    const { context, redis } = this.#parts;
    const key = this.#keys[place] as string;
    // Something of another type in the way is no failure of Redis.
    if (redis.shared.inTheWay(key, error)) {
      this.#settle(place, 'miss');
      return;
    }
    context.onBackgroundError(error, 'get', key);
    this.#settle(place, 'error');
  }

  #judgeLater(found: StoredEntry, place: number, verdict: Promise<Verdict>): void {
    verdict.then(
      (known) => this.#take(found, place, known),
      (error: unknown) => {
        this.#parts.context.onBackgroundError(error, 'get', this.#keys[place] as string);
        this.#settle(place, 'error');
      },
    );
  }

  #take(found: StoredEntry, place: number, verdict: Verdict): void {
    const { loading, redis } = this.#parts;
    const key = this.#keys[place] as string;
    if (!isServed(verdict) || loading.isDoubtful(key, redis)) {
      this.#settle(place, 'miss');
      return;
    }
    this.#values[place] = found.value;
    const watch = this.#watches[place];
    if (watch) loading.keepFound(key, found, this.#policy, watch);
    const { createdAt } = found.header;
    if (verdict === 'revalidate') loading.servedStale('revalidate', createdAt);
    loading.tell(key, 'redis', createdAt, verdict);
    this.#settle(place, 'hit');
  }

  #settle(place: number, outcome: 'hit' | 'miss' | 'error'): void {
    const { counts, watches } = this.#parts.context;
    const watch = this.#watches[place];
    if (watch) watches.end(watch);
    const took = this.#isOne ? performance.now() - this.#began : NaN;
    counts.readFromRedis(outcome, took, this.#keys[place] as string);
    if (outcome === 'error') this.#failed = true;
    if (--this.#missing > 0) return;
    if (!this.#isOne) {
      counts.latencies.getMany[this.#failed ? 'error' : 'ok'].record(performance.now() - this.#began);
    }
    this.#done();
  }
}
