import type { RedisPort } from '../redis/port.js';
import { Script } from '../redis/script.js';
import { systemClock, type Clock } from '../runtime/clock.js';
import { positiveInteger } from '../validate.js';

/**
 * Removes what stands under the key unless it is an entry made after ARGV[1]: what others stored since the invalidation is
 * right and stays. What is no entry of this format tells no time and goes, of whatever type it is; so does a marker, lest a
 * load that began before the invalidation stores what it found. The bytes are those of docs/format.md.
 */
const REMOVE_IF_OLDER = new Script(String.raw`
local head = redis.pcall('GETRANGE', KEYS[1], 0, 21)
if type(head) == 'table' then
  if not string.find(head.err, 'WRONGTYPE', 1, true) then return head end
elseif #head == 22 and string.sub(head, 1, 2) == '\193\1' and string.byte(head, 3) % 2 == 0 then
  local created = 0
  for i = 17, 22 do created = created * 256 + string.byte(head, i) end
  if created > tonumber(ARGV[1]) then return 0 end
end
return redis.call('UNLINK', KEYS[1])
`);

/** Sent as one pipeline; the next follows when its answers are in. */
const KEYS_PER_PIPELINE = 500;

/**
 * Milliseconds by which an entry may be younger than the invalidation and is removed all the same. Both times are lower
 * bounds of the server's clock, each behind it by up to a round trip; where the invalidation's is further behind than the
 * entry's, an entry made just before it seems to have been made just after. Servers that take over from one another also
 * disagree by a little. Erring this way costs one load, erring the other way serves an old value.
 */
const MARGIN = 1000;
/** Clocks that are being set right run faster or slower by up to half of this. */
const DRIFT = 0.001;

export interface RecoveryLogOptions {
  /** How many keys are kept. Default 10,000. */
  readonly capacity?: number;
  /** Server time in ms since the epoch; see `RedisPort`. */
  readonly serverNow: () => number;
  /** Default: the platform's. */
  readonly clock?: Clock;
}

interface Invalidation {
  /** When it was, by what was then known of the server's clock: nothing, where Redis had never been reached. */
  readonly at: number;
  /** The same by the monotonic clock. */
  readonly monotonicAt: number;
}

/**
 * The invalidations that could not reach Redis: of a deleted key, and of one that was to be overwritten. Until they have,
 * nothing that Redis holds under these keys may be believed. With more than `capacity` of them the keys are forgotten and
 * the whole namespace is invalid.
 *
 * It is in memory: an invalidation is lost with the process, and then only time ends the old value.
 *
 * Entries must bear the time at which their load *began*. One that bears a later time looks newer than an invalidation that
 * came while it was being loaded, and would survive it.
 */
export class RecoveryLog {
  readonly #capacity: number;
  readonly #serverNow: () => number;
  readonly #clock: Clock;
  readonly #pending = new Map<string, Invalidation>();
  #overflowed = false;
  /** Counts overflows, to see whether there was another while the namespace was being cleared. */
  #overflows = 0;
  #clearing = false;
  #replay: Promise<boolean> | undefined;
  #failure: unknown;

  constructor(options: RecoveryLogOptions) {
    this.#capacity = positiveInteger(options.capacity ?? 10_000, 'capacity');
    this.#serverNow = options.serverNow;
    this.#clock = options.clock ?? systemClock;
  }

  /** Keeps an invalidation that happens now. */
  add(redisKey: string): void {
    // A namespace yet to be cleared includes the key; one that is just being cleared may have passed it already.
    if (this.#overflowed && !this.#clearing) return;
    const earlier = this.#pending.get(redisKey);
    const at = Math.max(this.#serverNow(), earlier?.at ?? 0);
    this.#pending.set(redisKey, { at, monotonicAt: this.#clock.monotonic() });
    if (this.#pending.size > this.#capacity) this.addAll();
  }

  /** Keeps an invalidation of all keys that happens now. */
  addAll(): void {
    this.#pending.clear();
    this.#overflowed = true;
    this.#overflows++;
  }

  /** Whether what Redis holds under the key may be of before an invalidation. */
  isPending(redisKey: string): boolean {
    return this.#overflowed || (this.#pending.size > 0 && this.#pending.has(redisKey));
  }

  /** How many single keys are kept. */
  get size(): number {
    return this.#pending.size;
  }

  /** Whether all keys are pending: there were too many, or all were to go. */
  get overflowed(): boolean {
    return this.#overflowed;
  }

  get empty(): boolean {
    return this.#pending.size === 0 && !this.#overflowed;
  }

  /** Why the last replay failed; undefined when it did not. */
  get failure(): unknown {
    return this.#failure;
  }

  /**
   * Makes up for the invalidations, those too that come meanwhile. While one replay runs, whoever asks for another gets the
   * same. Never rejects.
   *
   * @param clearNamespace - removes all keys of the namespace, or rejects; called only after an overflow.
   * @returns whether the log is empty. If not, Redis failed again: what was done is done, the rest is kept.
   */
  replay(port: RedisPort, clearNamespace: () => Promise<unknown>): Promise<boolean> {
    this.#replay ??= this.#run(port, clearNamespace).finally(() => (this.#replay = undefined));
    return this.#replay;
  }

  async #run(port: RedisPort, clearNamespace: () => Promise<unknown>): Promise<boolean> {
    this.#failure = undefined;
    while (!this.empty) {
      const succeeded = this.#overflowed ? await this.#clear(clearNamespace) : await this.#removeKeys(port);
      if (!succeeded) return false;
    }
    return true;
  }

  async #clear(clearNamespace: () => Promise<unknown>): Promise<boolean> {
    const overflows = this.#overflows;
    this.#clearing = true;
    try {
      await clearNamespace();
      if (this.#overflows === overflows) this.#overflowed = false;
      return true;
    } catch (error) {
      this.#failure = error;
      this.#pending.clear(); // the next attempt includes them
      return false;
    } finally {
      this.#clearing = false;
    }
  }

  async #removeKeys(port: RedisPort): Promise<boolean> {
    const kept = [...this.#pending];
    let succeeded = true;
    for (let start = 0; start < kept.length && !this.#overflowed; start += KEYS_PER_PIPELINE) {
      const acknowledged = await this.#removeChunk(port, kept.slice(start, start + KEYS_PER_PIPELINE));
      // One key that the server refuses to touch must not keep the others from their turn; with none at all, the link is gone,
      // unless these were all of one node of a Cluster.
      if (acknowledged === 0 && !port.layout) return false;
      if (acknowledged < Math.min(KEYS_PER_PIPELINE, kept.length - start)) succeeded = false;
    }
    return succeeded;
  }

  async #removeChunk(
    port: RedisPort,
    chunk: ReadonlyArray<readonly [string, Invalidation]>,
  ): Promise<number> {
    const deadline = port.deadline();
    const removals = chunk.map(([key, invalidation]) =>
      REMOVE_IF_OLDER.run(port, [key], [String(this.#newestToRemove(invalidation))], deadline),
    );
    let acknowledged = 0;
    for (const [i, outcome] of (await Promise.allSettled(removals)).entries()) {
      const [key, invalidation] = chunk[i] ?? [];
      if (outcome.status === 'rejected') {
        this.#failure = outcome.reason;
        continue;
      }
      acknowledged++;
      // Added again meanwhile, it is another invalidation, and the server may have removed the key before that.
      if (key !== undefined && this.#pending.get(key) === invalidation) this.#pending.delete(key);
    }
    return acknowledged;
  }

  /**
   * The later of two estimates of the invalidation's time. The one made then is worth nothing if the server's clock was not
   * known yet, and stands for the server of that time; the one made now, by counting back, is for the server of now.
   */
  #newestToRemove({ at, monotonicAt }: Invalidation): number {
    const elapsed = this.#clock.monotonic() - monotonicAt;
    return Math.ceil(Math.max(at, this.#serverNow() - elapsed) + MARGIN + elapsed * DRIFT);
  }
}
