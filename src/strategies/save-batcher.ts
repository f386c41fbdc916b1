import type { ResourceId } from './resource-id.js';
import { saveOutcomes } from './save-outcomes.js';

interface Waiting<T> {
  readonly id: ResourceId;
  readonly value: T;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

type SaveMany<T> = (
  writes: ReadonlyArray<{ readonly id: ResourceId; readonly value: T }>,
) => Promise<ReadonlyArray<Error | undefined> | void>;

/** Writes in one call; the rest goes in another, side by side. */
const MOST = 100;

/** Makes the writes of one turn of the event loop one call, as `LoadBatcher` does for loads. Two of one id go one after the other. */
export class SaveBatcher<T> {
  readonly #saveMany: SaveMany<T>;
  #waiting = new Map<string, Waiting<T>>();
  /** Ids being written, and when that has ended. */
  readonly #underWay = new Map<string, Promise<void>>();

  constructor(saveMany: SaveMany<T>) {
    this.#saveMany = saveMany;
  }

  async save(id: ResourceId, value: T): Promise<void> {
    const field = String(id);
    for (let before = this.#before(field); before; before = this.#before(field)) await before;
    const written = new Promise<void>((resolve, reject) => {
      if (this.#waiting.size === 0) process.nextTick(() => this.#flush());
      this.#waiting.set(field, { id, value, resolve, reject });
    });
    const ended = written.catch(() => undefined);
    this.#underWay.set(field, ended);
    try {
      await written;
    } finally {
      if (this.#underWay.get(field) === ended) this.#underWay.delete(field);
    }
  }

  #before(field: string): Promise<void> | undefined {
    return this.#underWay.get(field);
  }

  #flush(): void {
    const waiting = [...this.#waiting.values()];
    this.#waiting = new Map();
    for (let start = 0; start < waiting.length; start += MOST)
      void this.#run(waiting.slice(start, start + MOST));
  }

  /** Never rejects: what fails is told to those who wait. */
  async #run(batch: ReadonlyArray<Waiting<T>>): Promise<void> {
    try {
      const given = batch.map(({ id, value }) => ({ id, value }));
      const outcomes = saveOutcomes(await this.#saveMany(given), batch.length);
      for (const [i, { resolve, reject }] of batch.entries()) {
        if (outcomes[i]) reject(outcomes[i]);
        else resolve();
      }
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }
}
