import { OverloadedError, ServerError } from '../../errors.js';
import type { RedisPort, Reply } from '../../redis/port.js';
import { replyText } from '../../redis/reply-text.js';
import type { PartitionKeys } from './partition-keys.js';
import { idType, type ResourceId } from '../resource-id.js';
import { readPendingWrite, type PendingWrite } from './pending-write.js';
import { ACQUIRE, BACKLOG, DROP, ENQUEUE, EXTEND, RELEASE, REPLAY, SETTLE, TAKE } from './scripts.js';

/** What became of one write. */
export type Settlement =
  | { readonly verdict: 'done' }
  /** To be tried again after so many ms. */
  | { readonly verdict: 'retry'; readonly after: number }
  /** Set aside, with why. */
  | { readonly verdict: 'dead'; readonly error: string };

export interface Taken {
  readonly writes: readonly PendingWrite[];
  /** Milliseconds until the next failed write is due; undefined where there is none. */
  readonly nextDue: number | undefined;
}

/** How much waits in one partition. */
export interface PartitionBacklog {
  /** Acknowledged and not in the database yet, as far as is known. */
  readonly pending: number;
  /** Those of them that have failed before. */
  readonly failing: number;
  readonly dead: number;
  /** Milliseconds since the oldest that is not failing was acknowledged; undefined where there is none. */
  readonly oldestAge: number | undefined;
}

/** A write that the database kept refusing. */
export interface DeadRecord {
  /** Its place in the partition's stream. */
  readonly letter: string;
  readonly write: PendingWrite;
  readonly error: string;
}

export type ReplayOutcome = 'replayed' | 'superseded' | 'gone';

/** The most that may wait, for writes of ids that do not wait yet. */
export interface Bounds {
  readonly maxPending: number;
  /** Milliseconds; `Infinity` for any. */
  readonly maxAge: number;
}

/** One partition of a queue, as it stands in Redis. Every method is one step there, and rejects with a `CacheError`. */
export class Partition {
  readonly #port: RedisPort;
  readonly #keys: PartitionKeys;

  constructor(port: RedisPort, keys: PartitionKeys) {
    this.#port = port;
    this.#keys = keys;
  }

  /**
   * Acknowledges a write: when this resolves Redis holds it, and it will reach the database.
   *
   * @param entry - undefined for a removal.
   * @returns its sequence number.
   * @throws OverloadedError when as much waits as may.
   */
  async enqueue(id: ResourceId, entry: Buffer | undefined, { maxPending, maxAge }: Bounds): Promise<number> {
    const field = String(id);
    const { pending, ready, waiting, meta, deadIds } = this.#keys;
    const age = maxAge === Infinity ? '' : String(maxAge);
    const kind = (entry === undefined ? 'r' : 's') + idType(id);
    const reply = await ENQUEUE.run(
      this.#port,
      [pending, ready, waiting, meta, deadIds],
      [field, kind, entry ?? '', String(maxPending), age],
      this.#port.deadline(),
    );
    const text = replyText(reply);
    if (text === 'full') {
      throw new OverloadedError(`${maxPending} writes already wait for the database in this partition`, {
        key: field,
      });
    }
    if (text === 'late') {
      throw new OverloadedError(`the database is more than ${maxAge} ms behind`, { key: field });
    }
    return whole(text);
  }

  /** The newest write of the id that the database may not have. */
  async pending(id: ResourceId): Promise<PendingWrite | undefined> {
    const record = await this.#port.send({
      key: this.#keys.pending,
      args: ['HGET', this.#keys.pending, String(id)],
    });
    return record === null ? undefined : readPendingWrite(String(id), record);
  }

  /** Whether the partition is ours now. It is not where somebody else has it, or where there is nothing to do. */
  async acquire(token: string, lease: number): Promise<boolean> {
    const { owner, pending } = this.#keys;
    return (await this.#run(ACQUIRE, [owner, pending], [token, String(lease)])) === 1;
  }

  async extend(token: string, lease: number): Promise<boolean> {
    return (await this.#run(EXTEND, [this.#keys.owner], [token, String(lease)])) === 1;
  }

  async release(token: string): Promise<void> {
    await this.#run(RELEASE, [this.#keys.owner], [token]);
  }

  /** The next writes for whoever owns the partition; undefined where that is not this token any more. */
  async take(token: string, lease: number, most: number): Promise<Taken | undefined> {
    const { owner, ready, waiting, pending } = this.#keys;
    const reply = await this.#run(
      TAKE,
      [owner, ready, waiting, pending],
      [token, String(lease), String(most)],
    );
    if (!Array.isArray(reply)) return undefined;
    const [due, ...rest] = reply as Reply[];
    const writes: PendingWrite[] = [];
    for (let i = 0; i + 1 < rest.length; i += 2)
      writes.push(readPendingWrite(replyText(rest[i]), rest[i + 1]));
    const nextDue = numberIn(due);
    return { writes, nextDue: nextDue < 0 ? undefined : nextDue };
  }

  /** Writes that were replaced by newer ones meanwhile stay. */
  async settle(outcomes: ReadonlyArray<readonly [PendingWrite, Settlement]>): Promise<void> {
    if (outcomes.length === 0) return;
    const { pending, ready, waiting, dead, deadIds } = this.#keys;
    const args = outcomes.flatMap(([{ field, sequence }, settlement]) => [
      field,
      String(sequence),
      settlement.verdict,
      detailOf(settlement),
    ]);
    await this.#run(SETTLE, [pending, ready, waiting, dead, deadIds], args);
  }

  /** @param until - server time in ms; see `remaining`. */
  async backlog(until?: number): Promise<PartitionBacklog & { remaining: number; now: number }> {
    const { pending, ready, waiting, dead } = this.#keys;
    const bound = until === undefined ? '' : String(until);
    const reply = await this.#run(BACKLOG, [pending, ready, waiting, dead], [bound]);
    if (!Array.isArray(reply) || reply.length !== 6) throw unexpected();
    const [all = 0, failing = 0, letters = 0, age = -1, remaining = 0, now = 0] = reply.map(numberIn);
    return {
      pending: all,
      failing,
      dead: letters,
      oldestAge: age < 0 ? undefined : age,
      /** Those that were acknowledged by then, and all that are failing. */
      remaining,
      now,
    };
  }

  /** The oldest dead letters after that place, at most so many. */
  async deadLetters(after: string, most: number): Promise<DeadRecord[]> {
    const { dead } = this.#keys;
    const from = after === '' ? '-' : `(${after}`;
    const args = ['XRANGE', dead, from, '+', 'COUNT', String(most)];
    const reply = await this.#port.send({ key: dead, args });
    if (!Array.isArray(reply)) throw unexpected();
    return reply.map(readLetter);
  }

  async replay(letter: string, id: ResourceId): Promise<ReplayOutcome> {
    const { pending, ready, waiting, meta, dead, deadIds } = this.#keys;
    const reply = replyText(
      await this.#run(REPLAY, [pending, ready, waiting, meta, dead, deadIds], [letter, String(id)]),
    );
    if (reply === 'replayed' || reply === 'superseded' || reply === 'gone') return reply;
    throw unexpected();
  }

  async drop(letter: string, id: ResourceId): Promise<boolean> {
    return (await this.#run(DROP, [this.#keys.dead, this.#keys.deadIds], [letter, String(id)])) === 1;
  }

  #run(script: typeof TAKE, keys: readonly [string, ...string[]], args: readonly string[]): Promise<Reply> {
    return script.run(this.#port, keys, args, this.#port.deadline());
  }
}

function detailOf(settlement: Settlement): string {
  if (settlement.verdict === 'retry') return String(Math.ceil(settlement.after));
  return settlement.verdict === 'dead' ? settlement.error : '';
}

function readLetter(item: Reply): DeadRecord {
  if (!Array.isArray(item) || !Array.isArray(item[1])) throw unexpected();
  const fields = item[1] as Reply[];
  const field = (name: string): Reply => {
    for (let i = 0; i + 1 < fields.length; i += 2) if (replyText(fields[i]) === name) return fields[i + 1];
    throw unexpected();
  };
  const letter = replyText(item[0]);
  // The next page begins behind it.
  if (!/^\d+-\d+$/.test(letter)) throw unexpected();
  return {
    letter,
    write: readPendingWrite(replyText(field('id')), field('record')),
    error: replyText(field('error')),
  };
}

function whole(text: string): number {
  if (/^\d{1,16}$/.test(text)) return Number(text);
  throw unexpected();
}

/** A number of a script's answer, which may come as text. */
function numberIn(reply: Reply): number {
  const text = replyText(reply);
  const number = Number(text);
  if (text === '' || !Number.isSafeInteger(number)) throw unexpected();
  return number;
}

function unexpected(): ServerError {
  return new ServerError('Redis answered about pending writes with something else than was asked for');
}
