import type { Change, Sink, WriteStrategy, WrittenLayers } from './write-strategy.js';

/**
 * Write-through: the database first, then the cache has the new value.
 *
 * - Of two writers at once, in whichever processes, the cache keeps the value of neither, unless one was done before the other
 *   began: nobody but the database knows whose was last. A load under way is not stored (P2). See `Replacing`.
 * - When the process dies in between: the database has the new value, and the cache the old one until its `ttl` is over; where
 *   there was none, readers wait until the lease runs out, and then load.
 * - When the database refuses: the caller is told, and the cache is left without a value, since a database that timed out may have
 *   written.
 * - When Redis is away: the write is done, and never held up by it for longer than a command's deadline. The invalidation is kept
 *   and told to Redis before Redis is read again (P6).
 *
 * Take it for things that are read soon after they were written.
 */
export class WriteThrough<T> implements WriteStrategy<T> {
  readonly #layers: WrittenLayers;
  readonly #sink: Sink<T>;

  constructor(layers: WrittenLayers, sink: Sink<T>) {
    this.#layers = layers;
    this.#sink = sink;
  }

  async save({ id, key, value, policy }: Change<T>): Promise<void> {
    await this.#layers.replace(key, value, policy, () => this.#sink.save(id, value));
  }

  async remove({ id, key }: Pick<Change<T>, 'id' | 'key'>): Promise<void> {
    try {
      await this.#sink.remove(id);
    } finally {
      await this.#layers.forget(key);
    }
  }
}
