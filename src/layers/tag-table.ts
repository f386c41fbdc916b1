import type { KeySpace } from '../client/key-space.js';
import { attribute, BulkError, CacheError, InvalidOptionError } from '../errors.js';
import type { KeyPart, RedisPort } from '../redis/port.js';
import { delay } from '../runtime/delay.js';
import { describeValue } from '../validate.js';
import { distinctTags } from './tags/check-tags.js';
import { asCacheError, RecordMaker } from './tags/record-maker.js';
import { TagMemory } from './tags/tag-memory.js';
import {
  raiseFloor,
  raiseStamp,
  readFloor,
  readTagAnswer,
  type TagAnswer,
  type TagRecord,
} from './tags/tag-record.js';

export { checkTags } from './tags/check-tags.js';

/** What is known of an entry from its tags: `unknown` until Redis is asked. */
export type TagVerdict = 'valid' | 'stale' | 'unknown';

export interface TagTableParts {
  readonly port: RedisPort;
  readonly keys: KeySpace;
  /**
   * The longest time in ms that an entry of the namespace is used after it was stored; Infinity for ever. Records that
   * nobody uses are dropped by Redis after twice that; too short a time costs loads, and never makes an entry valid.
   */
  readonly retention: number;
  /** Whether changes of records that were read are told to {@link TagTable.onInvalidated}. If not, nothing is remembered. */
  readonly remember: boolean;
}

const MOST_REMEMBERED = 10_000;
/** Each is a script, and they share a deadline; the next ones go when these are done. */
const TAGS_PER_PIPELINE = 200;
/** Longer is for ever, and later than this package will be remembered. */
const LONGEST_RETENTION = 1e12;
/** The floor is one small key, and losing it costs every load that is under way then. */
const SHORTEST_FLOOR_LIFE = 30 * 24 * 60 * 60 * 1000;

/**
 * The tags of one namespace. A tag's record in Redis holds a stamp, and an entry created at or before the stamp of any of its
 * tags is stale. `createdAt` is a lower bound of the server's time when the load began, so whatever was loaded before an
 * invalidation is stale once that is done. Records are ordinary keys (src/layers/tags/tag-record.ts).
 *
 * Redis may evict any key at any time, and what stays correct then rests on two rules:
 *
 * 1. An entry with a tag that has no record is stale. So losing a record brings nothing back, and the question is only
 *    which stamp a record may be given when it is made anew. One lower than an invalidation that was lost with the old
 *    record would bring entries back.
 * 2. Every invalidation first raises the namespace's floor and takes its time from it, and only then raises the records that
 *    stand; it makes none. So the floor is at or above all that was ever lost, and a new record's stamp is the floor. Where
 *    the floor itself is lost, it is the server's time.
 *
 * Reading the floor and writing the record are two steps, since on a Cluster they are on two servers; an invalidation that
 * came between the two would be forgotten. Therefore the missing record is claimed before the floor is read, and made only
 * if that very claim still stands: an invalidation that the floor did not show yet comes to the record after the claim, and
 * removes it. A claim is no record; anyone who finds one may go on with it.
 *
 * The argument needs a clock of the server that does not step back by more than a record lives, and, on a Cluster, that
 * `RedisPort.serverNow` is ahead of none of the servers, those included that may take over from another: a stamp is the time of
 * the server that has the floor, whichever that is by then.
 */
export class TagTable {
  readonly #port: RedisPort;
  readonly #prefix: string;
  readonly #floorKey: string;
  readonly #retention: number;
  readonly #recordLife: number;
  readonly #floorLife: number;
  readonly #memory: TagMemory;
  readonly #maker: RecordMaker;
  /** Tags whose invalidation is on its way, and how many times. */
  readonly #raising = new Map<string, number>();
  readonly #held = new Set<string>();

  /** @throws InvalidOptionError for a retention that is not a positive number. */
  constructor({ port, keys, retention, remember }: TagTableParts) {
    if (!(retention > 0)) {
      throw new InvalidOptionError(
        `retention: expected a positive number of milliseconds, got ${describeValue(retention)}`,
      );
    }
    this.#port = port;
    this.#prefix = keys.tagPrefix;
    this.#floorKey = keys.tagFloorKey;
    this.#retention = retention > LONGEST_RETENTION ? Infinity : Math.ceil(retention);
    this.#recordLife = 2 * this.#retention;
    this.#floorLife = Math.max(2 * this.#retention, SHORTEST_FLOOR_LIFE);
    this.#memory = new TagMemory(remember ? MOST_REMEMBERED : 0);
    this.#maker = new RecordMaker({
      port,
      memory: this.#memory,
      prefix: this.#prefix,
      floorKey: this.#floorKey,
      recordLife: this.#recordLife,
      floorLife: this.#floorLife,
      lasts: (record) => this.#lasts(record),
    });
  }

  /**
   * Sees that the namespace has a floor, and waits until what is loaded from now on is later than it. Not needed, and good to
   * have done once connected: otherwise the first load with a tag makes the floor, and cannot be stored because it began before.
   *
   * @throws CacheError
   */
  async warm(): Promise<void> {
    const deadline = this.#port.deadline();
    const floor = Number(await readFloor(this.#port, this.#floorKey, this.#floorLife, deadline));
    // The server's clock as it is known here is behind by up to a round trip, and a load of the floor's own millisecond is stale.
    const behind = floor + 1 - this.#port.serverNow();
    const left = deadline - performance.now();
    // A timer may be early by a millisecond.
    if (behind > 0 && left > 0) await delay(Math.min(behind + 1, left)).passed;
  }

  /** What can be said without asking Redis. */
  check(tags: readonly string[], createdAt: number): TagVerdict {
    let verdict: TagVerdict = 'valid';
    for (const tag of tags) {
      if (this.#isBlocked(tag)) return 'stale';
      const record = this.#memory.get(tag);
      if (record === undefined) verdict = 'unknown';
      else if (createdAt <= record.stamp) return 'stale';
    }
    return verdict;
  }

  /**
   * The same, asking Redis for what is not known. A record that was said to have changed while it was being read makes the
   * entry stale: whoever joined this caller meanwhile must not get what is older than that change.
   *
   * @throws CacheError when Redis cannot tell.
   */
  async resolve(tags: readonly string[], createdAt: number): Promise<'valid' | 'stale'> {
    const known = this.check(tags, createdAt);
    if (known !== 'unknown') return known;
    const unknown = tags.filter((tag) => this.#memory.get(tag) === undefined);
    const answers = await this.#read(unknown);
    // What became known meanwhile counts too.
    if (this.check(tags, createdAt) === 'stale') return 'stale';
    return judge(answers, createdAt);
  }

  /**
   * To be called before an entry with these tags is stored: sees that each has a record, and that it lasts. False: what was
   * loaded is stale by now, or that cannot be ruled out; do not store it.
   *
   * @throws CacheError when Redis cannot tell.
   */
  async prepareFill(tags: readonly string[], createdAt: number): Promise<boolean> {
    if (this.check(tags, createdAt) === 'stale') return false;
    const wanting = tags.filter((tag) => {
      const record = this.#memory.get(tag);
      return record === undefined || !this.#lasts(record);
    });
    if (wanting.length === 0) return true;
    const answers = await this.#maker.make(wanting);
    if (this.check(tags, createdAt) === 'stale') return false;
    return judge(answers, createdAt) === 'valid';
  }

  /**
   * Makes all entries stale that have any of the tags and were loaded before. Resolves when Redis has it; in this process
   * they are stale from the call until it settles. Whoever is told that it failed calls {@link hold} for the failed
   * tags before anything else: whether Redis has these stamps, or will, is unknown.
   *
   * @throws BulkError with every tag that failed; InvalidOptionError.
   */
  async invalidate(tags: readonly string[]): Promise<void> {
    const distinct = distinctTags(tags, 'invalidateTags');
    if (distinct.length === 0) return;
    for (const tag of distinct) this.#beginRaise(tag);
    const failures = new Map<string, CacheError>();
    try {
      await this.#raise(distinct, failures);
    } finally {
      for (const tag of distinct) this.#endRaise(tag);
    }
    if (failures.size > 0) throw new BulkError(failures, distinct.length, { operation: 'invalidateTags' });
  }

  /**
   * A key of Redis changed; null: any of them may have. Returns whether it was one of this table's own; of null, which
   * concerns others too, false.
   */
  onInvalidated(redisKey: string | null): boolean {
    if (redisKey === null) {
      this.forget();
      return false;
    }
    if (redisKey.startsWith(this.#prefix)) {
      this.#memory.drop(redisKey.slice(this.#prefix.length));
      return true;
    }
    return redisKey === this.#floorKey;
  }

  /** Nothing that was read is proven any more, nor what is being read; or nothing of the part. */
  forget(part?: KeyPart): void {
    this.#memory.clear(part && ((tag) => part.has(this.#prefix + tag)));
  }

  /** Every entry with this tag is stale, and none is stored, until {@link release}. */
  hold(tag: string): void {
    this.#held.add(tag);
    this.#memory.drop(tag);
  }

  release(tag: string): void {
    this.#held.delete(tag);
    this.#memory.drop(tag);
  }

  #isBlocked(tag: string): boolean {
    return (this.#held.size > 0 && this.#held.has(tag)) || (this.#raising.size > 0 && this.#raising.has(tag));
  }

  /** Whether an entry stored now has its record as long as it is used. */
  #lasts(record: TagRecord): boolean {
    return record.until === Infinity || record.until - this.#port.serverNow() >= this.#retention;
  }

  async #read(tags: readonly string[]): Promise<TagAnswer[]> {
    const tickets = tags.map((tag) => ({ tag, read: this.#memory.beginRead(tag) }));
    let answers: TagAnswer[] = [];
    try {
      const replies = await this.#port.getMany(tags.map((tag) => this.#prefix + tag));
      answers = replies.map(readTagAnswer);
    } finally {
      for (const [i, { tag, read }] of tickets.entries()) this.#memory.endRead(tag, read, answers[i]);
    }
    return answers.map((answer, i) =>
      tickets[i]?.read.voided && !(answer instanceof CacheError) ? undefined : answer,
    );
  }

  /** The floor first: see the head of this class. */
  async #raise(tags: readonly string[], failures: Map<string, CacheError>): Promise<void> {
    let stamp: string;
    try {
      stamp = await raiseFloor(this.#port, this.#floorKey, this.#floorLife, this.#port.deadline());
    } catch (error) {
      const failure = attribute(asCacheError(error), 'invalidateTags');
      for (const tag of tags) failures.set(tag, failure);
      return;
    }
    for (let start = 0; start < tags.length; start += TAGS_PER_PIPELINE) {
      const deadline = this.#port.deadline();
      await Promise.all(
        tags.slice(start, start + TAGS_PER_PIPELINE).map(async (tag) => {
          try {
            await raiseStamp(this.#port, this.#prefix + tag, [stamp, this.#recordLife], deadline);
          } catch (error) {
            failures.set(tag, attribute(asCacheError(error), 'invalidateTags'));
          }
        }),
      );
    }
  }

  #beginRaise(tag: string): void {
    this.#raising.set(tag, (this.#raising.get(tag) ?? 0) + 1);
  }

  /** Only now, since nobody tells us of our own writes, and a read before this one may have been remembered. */
  #endRaise(tag: string): void {
    const others = (this.#raising.get(tag) ?? 1) - 1;
    if (others === 0) this.#raising.delete(tag);
    else this.#raising.set(tag, others);
    this.#memory.drop(tag);
  }
}

/** @throws the first error, unless another tag makes the entry stale all the same. */
function judge(answers: readonly TagAnswer[], createdAt: number): 'valid' | 'stale' {
  let failure: CacheError | undefined;
  for (const answer of answers) {
    if (answer === undefined) return 'stale';
    if (answer instanceof CacheError) failure ??= answer;
    else if (createdAt <= answer.stamp) return 'stale';
  }
  if (failure) throw failure;
  return 'valid';
}
