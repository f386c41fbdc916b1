import type { ResourceId } from './resource-id.js';
import type { WriteQueue } from './write-behind/write-queue.js';
import type { Change, WriteStrategy, WrittenLayers } from './write-strategy.js';

/**
 * Write-behind: acknowledged when Redis holds the write; the database has it later, with others.
 *
 * What becomes of acknowledged writes when this process dies, when the database refuses and when Redis is away, `WriteQueue` says.
 * As to readers: the cache forgets the key as soon as the write is acknowledged, and whoever then misses is given the pending
 * write before anything is loaded. It is not stored in the cache by the writer, since of two writers at once only the queue knows
 * whose was last. When the process dies between the acknowledgement and that, the cache has the old value until its `ttl` is over.
 * While Redis is away nobody can be told of pending writes, and a reader gets what the database has.
 *
 * Take it for what is written far more often than the database likes: counters, positions, last-seen times. Not for money.
 */
export class WriteBehind<T> implements WriteStrategy<T> {
  readonly #layers: WrittenLayers;
  readonly #queue: WriteQueue<T>;

  constructor(layers: WrittenLayers, queue: WriteQueue<T>) {
    this.#layers = layers;
    this.#queue = queue;
  }

  async save({ id, key, value }: Change<T>): Promise<void> {
    await this.#enqueue(id, key, value);
  }

  async remove({ id, key }: Pick<Change<T>, 'id' | 'key'>): Promise<void> {
    await this.#enqueue(id, key, undefined);
  }

  pending(id: ResourceId): Promise<{ readonly value: T | undefined } | undefined> {
    return this.#queue.pending(id);
  }

  /** Forgotten also where the acknowledgement failed, since the write may be in Redis all the same. */
  async #enqueue(id: ResourceId, key: string, value: T | undefined): Promise<void> {
    try {
      await this.#queue.write(id, value);
    } finally {
      await this.#layers.forget(key);
    }
  }
}
