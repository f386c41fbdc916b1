import { randomBytes } from 'node:crypto';
import { CacheError } from '../../errors.js';
import type { RedisPort } from '../../redis/port.js';
import type { TagMemory } from './tag-memory.js';
import { readFloor, readTagAnswer, settleRecord, type TagAnswer, type TagRecord } from './tag-record.js';

/** Long enough for the three steps of making a record, which share one deadline. */
const CLAIM_LIFE = 10_000;

export interface RecordMakerParts {
  readonly port: RedisPort;
  readonly memory: TagMemory;
  /** What a tag's key begins with. */
  readonly prefix: string;
  readonly floorKey: string;
  /** How long a record and the floor live, in ms; Infinity for ever. */
  readonly recordLife: number;
  readonly floorLife: number;
  /** Whether a record will do as it is; another one is written again, with its stamp, to live longer. */
  readonly lasts: (record: TagRecord) => boolean;
}

/** Sees that tags have records: the steps that the head of `TagTable` gives the reasons for. */
export class RecordMaker {
  readonly #parts: RecordMakerParts;
  readonly #claimant = randomBytes(12).toString('base64url');
  #claims = 0;
  /** What is under way, so that many fills at once do it once. Sharing is safe: a record is right for every entry. */
  readonly #underWay = new Map<string, Promise<ReadonlyMap<string, TagAnswer>>>();

  constructor(parts: RecordMakerParts) {
    this.#parts = parts;
  }

  /** The records, in the order asked. One that is still missing then was lost or claimed by others meanwhile. */
  async make(tags: readonly string[]): Promise<TagAnswer[]> {
    const untended = tags.filter((tag) => !this.#underWay.has(tag));
    if (untended.length > 0) {
      const made = this.#makeAll(untended).finally(() => {
        for (const tag of untended) this.#underWay.delete(tag);
      });
      for (const tag of untended) this.#underWay.set(tag, made);
    }
    return Promise.all(tags.map(async (tag) => (await this.#underWay.get(tag))?.get(tag)));
  }

  async #makeAll(tags: readonly string[]): Promise<ReadonlyMap<string, TagAnswer>> {
    const deadline = this.#parts.port.deadline();
    const { answers, seen } = await this.#claim(tags, deadline);
    const unmade = [...seen.keys()].filter((tag) => answers.get(tag) === undefined);
    const floor = unmade.length > 0 ? await this.#readFloor(deadline) : undefined;
    if (floor instanceof CacheError) for (const tag of unmade) answers.set(tag, floor);
    await Promise.all(
      [...seen].map(async ([tag, stands]) => {
        const answer = answers.get(tag);
        if (answer instanceof CacheError || (answer && this.#parts.lasts(answer))) return;
        const stamp = answer ? String(answer.stamp) : floor;
        if (typeof stamp !== 'string') return;
        answers.set(tag, await this.#settle(tag, [stands, stamp, this.#parts.recordLife], deadline));
      }),
    );
    return answers;
  }

  /** Reads the records, and claims those that are missing. `seen` has the bytes that stand where something stands. */
  async #claim(
    tags: readonly string[],
    deadline: number,
  ): Promise<{ answers: Map<string, TagAnswer>; seen: Map<string, Buffer> }> {
    const { port, memory, prefix } = this.#parts;
    const tickets = tags.map((tag) => ({ tag, read: memory.beginRead(tag) }));
    const replies = await port.sendAll(
      tags.flatMap((tag) => {
        const key = prefix + tag;
        // Never the same twice: it could stand again after the record that took its place was lost.
        const claim = `?${this.#claimant}${this.#claims++}`;
        return [
          { key, args: ['SET', key, claim, 'NX', 'PX', String(CLAIM_LIFE)] },
          { key, args: ['GET', key] },
        ];
      }),
      deadline,
    );
    const answers = new Map<string, TagAnswer>();
    const seen = new Map<string, Buffer>();
    for (const [i, { tag, read }] of tickets.entries()) {
      const claimed = replies[2 * i];
      const bytes = replies[2 * i + 1];
      let answer = readTagAnswer(bytes);
      if (Buffer.isBuffer(bytes)) seen.set(tag, Buffer.from(bytes));
      else if (claimed instanceof CacheError) answer = claimed;
      answers.set(tag, answer);
      memory.endRead(tag, read, answer);
    }
    return { answers, seen };
  }

  async #readFloor(deadline: number): Promise<string | CacheError> {
    const { port, floorKey, floorLife } = this.#parts;
    try {
      return await readFloor(port, floorKey, floorLife, deadline);
    } catch (error) {
      return asCacheError(error);
    }
  }

  /** Writes the record where what was seen still stands, and answers what stands then. */
  async #settle(
    tag: string,
    args: readonly [seen: Buffer, stamp: string, life: number],
    deadline: number,
  ): Promise<TagAnswer> {
    const { port, memory, prefix } = this.#parts;
    const read = memory.beginRead(tag);
    let answer: TagAnswer;
    try {
      answer = await settleRecord(port, prefix + tag, args, deadline);
    } catch (error) {
      answer = asCacheError(error);
    } finally {
      memory.endRead(tag, read, answer);
    }
    return answer;
  }
}

/** What is thrown below and is not ours is a mistake in this package: it must surface as it is. */
export function asCacheError(error: unknown): CacheError {
  if (error instanceof CacheError) return error;
  throw error;
}
