import type { ResourceId } from '../resource-id.js';
import type { Partition, ReplayOutcome } from './partition.js';
import type { PendingWrite } from './pending-write.js';

/** A write that the database kept refusing, set aside. */
export interface DeadLetter<T = unknown> {
  /** Names it for `replay` and `drop`. */
  readonly letter: string;
  readonly id: ResourceId;
  /** Undefined for a removal, and where the bytes cannot be read by this process. */
  readonly value: T | undefined;
  readonly kind: 'save' | 'remove';
  readonly sequence: number;
  readonly attempts: number;
  /** Server time in ms at which it was acknowledged. */
  readonly queuedAt: number;
  /** The database's last word. */
  readonly error: string;
}

const PAGE = 100;

/** The writes of one queue that the database kept refusing. They stay in Redis until they are replayed or dropped. */
export class DeadLetters<T = unknown> {
  readonly #partitions: readonly Partition[];
  readonly #decode: (write: PendingWrite) => T | undefined;
  readonly #onReplayed: (partition: number) => void;

  constructor(
    partitions: readonly Partition[],
    decode: (write: PendingWrite) => T | undefined,
    onReplayed: (partition: number) => void,
  ) {
    this.#partitions = partitions;
    this.#decode = decode;
    this.#onReplayed = onReplayed;
  }

  /** All of them, those of one partition after the other and each of these the oldest first. Asks Redis page by page. */
  async *list(): AsyncGenerator<DeadLetter<T>, void, undefined> {
    for (const [index, partition] of this.#partitions.entries()) {
      for (let after = ''; ;) {
        const page = await partition.deadLetters(after, PAGE);
        for (const { letter, write, error } of page) {
          yield { ...this.#describe(write), letter: `${index}/${letter}`, error };
          after = letter;
        }
        if (page.length < PAGE) break;
      }
    }
  }

  /**
   * Has the write tried again, from its first attempt on. `superseded`: its id was written since, so it is dropped instead;
   * `gone`: there is no such letter.
   */
  async replay({ letter, id }: Pick<DeadLetter, 'letter' | 'id'>): Promise<ReplayOutcome> {
    const place = this.#find(letter);
    if (!place) return 'gone';
    const outcome = await place.partition.replay(place.letter, id);
    if (outcome === 'replayed') this.#onReplayed(place.index);
    return outcome;
  }

  /** The same for all that there are. @returns how many of each outcome. */
  async replayAll(): Promise<Record<ReplayOutcome, number>> {
    const counts = { replayed: 0, superseded: 0, gone: 0 };
    const all: Array<DeadLetter<T>> = [];
    for await (const dead of this.list()) all.push(dead);
    for (const dead of all) counts[await this.replay(dead)]++;
    return counts;
  }

  /** Gives the write up. @returns whether there was such a letter. */
  async drop({ letter, id }: Pick<DeadLetter, 'letter' | 'id'>): Promise<boolean> {
    const place = this.#find(letter);
    return place ? place.partition.drop(place.letter, id) : false;
  }

  #find(name: string): { partition: Partition; index: number; letter: string } | undefined {
    const [, index, letter] = /^(\d{1,4})\/(\d+-\d+)$/.exec(name) ?? [];
    const partition = this.#partitions[Number(index)];
    return partition && letter !== undefined ? { partition, index: Number(index), letter } : undefined;
  }

  #describe(write: PendingWrite): Omit<DeadLetter<T>, 'letter' | 'error'> {
    const { id, sequence, attempts, queuedAt, entry } = write;
    const kind = entry === undefined ? 'remove' : 'save';
    return { id, sequence, attempts, queuedAt, kind, value: this.#readable(write) };
  }

  #readable(write: PendingWrite): T | undefined {
    try {
      return this.#decode(write);
    } catch {
      return undefined; // what is wrong with it is in its error
    }
  }
}
