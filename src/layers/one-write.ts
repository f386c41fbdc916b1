import type { Watch } from '../coherence/watches.js';
import { attribute, type CacheError } from '../errors.js';
import type { Receiver, Reply } from '../redis/port.js';
import { isOk } from '../redis/reply-text.js';
import type { Copies } from './copies.js';
import { countWrite, defer } from './counted.js';
import type { EntryPolicy } from './entry-policy.js';
import type { LayerContext, RedisParts } from './layer-context.js';
import type { Kept } from './memory-tier.js';
import { isProof, notWritten, type Writing } from './shared-tier.js';

/** A value that is to be stored, as it is to be kept in memory and as Redis is to have it. */
export interface Prepared extends Writing {
  readonly key: string;
  readonly kept: Kept;
}

export interface OneWriteParts {
  readonly context: LayerContext;
  readonly redis: RedisParts;
  readonly copies: Copies;
}

/** One untagged value on its way to Redis. It is its own receiver: a write takes one promise, that of its caller. */
export class OneWrite implements Receiver<Reply> {
  readonly #parts: OneWriteParts;
  readonly #prepared: Prepared;
  readonly #policy: EntryPolicy;
  readonly #resolve: () => void;
  readonly #reject: (error: CacheError) => void;
  readonly #watch: Watch | undefined;
  readonly #began = performance.now();
  #failure: CacheError | undefined;
  #isProven = false;
  #isProofDue = false;

  private constructor(
    parts: OneWriteParts,
    prepared: Prepared,
    policy: EntryPolicy,
    resolve: () => void,
    reject: (error: CacheError) => void,
  ) {
    this.#parts = parts;
    this.#prepared = prepared;
    this.#policy = policy;
    this.#resolve = resolve;
    this.#reject = reject;
    // What is not kept need not be watched.
    this.#watch = prepared.prove ? parts.context.watches.beginOwn(prepared.redisKey) : undefined;
  }

  /** The key's copy is gone, and what was under way for it is void. */
  static send(parts: OneWriteParts, prepared: Prepared, policy: EntryPolicy): Promise<void> {
    return new Promise((resolve, reject) => {
      const write = new OneWrite(parts, prepared, policy, resolve, reject);
      write.#send();
    });
  }

  received(reply: Reply, slot: number): void {
    if (slot === 1) this.#isProven = isProof(reply, this.#prepared.entry);
    else if (!isOk(reply)) this.#failure = notWritten();
    this.#settle(slot);
  }

  failed(error: CacheError, slot: number): void {
    // It is written, whatever became of the proof.
    if (slot === 0) this.#failure = error;
    this.#settle(slot);
  }

  #send(): void {
    const { shared } = this.#parts.redis;
    // Nobody tells of changes anyway.
    this.#isProven = !shared.tellsChanges;
    this.#isProofDue = this.#prepared.prove && shared.tellsChanges;
    shared.writeTo(this.#prepared, this);
  }

  #settle(slot: number): void {
    if (slot === 0 && this.#isProofDue) return;
    const { context, redis, copies } = this.#parts;
    const { key, redisKey, kept, entry } = this.#prepared;
    if (this.#watch) context.watches.end(this.#watch);
    const error = this.#failure;
    countWrite(context, { operation: 'set', key, began: this.#began, timed: true, told: true, error });
    if (this.#failure) {
      // What stands in Redis is older than what the caller knows.
      defer(context, redis, redisKey);
      this.#reject(attribute(this.#failure, 'set', key));
    } else {
      if (this.#isProven && this.#watch && context.proves(this.#watch)) {
        copies.keep(key, kept, this.#policy, entry.length, true);
      }
      this.#resolve();
    }
    // Whoever waits here for a load under somebody's lease: there is a value now.
    context.watches.changed(redisKey);
  }
}
