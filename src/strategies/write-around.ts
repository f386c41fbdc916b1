import type { Change, Sink, WriteStrategy, WrittenLayers } from './write-strategy.js';

/**
 * Write-around: the database first, then the cache forgets; the next reader loads.
 *
 * - When the process dies in between: the database has the new value, and the cache the old one until its `ttl` is over.
 * - When the database refuses: the caller is told. The cache forgets all the same, since a database that timed out may have
 *   written.
 * - When Redis is away: the write is done. This process stops serving the old value at once; the invalidation is kept and told to
 *   Redis before Redis is read again (P6), and other processes may serve it until then.
 *
 * Take it for things that are written more often than they are read, and where the database computes what is read.
 */
export class WriteAround<T> implements WriteStrategy<T> {
  readonly #layers: WrittenLayers;
  readonly #sink: Sink<T>;

  constructor(layers: WrittenLayers, sink: Sink<T>) {
    this.#layers = layers;
    this.#sink = sink;
  }

  async save({ id, key, value }: Change<T>): Promise<void> {
    try {
      await this.#sink.save(id, value);
    } finally {
      await this.#layers.forget(key);
    }
  }

  async remove({ id, key }: Pick<Change<T>, 'id' | 'key'>): Promise<void> {
    try {
      await this.#sink.remove(id);
    } finally {
      await this.#layers.forget(key);
    }
  }
}
