import type { BlobStore } from '../../src/codec/blobs/blob-store.js';

/** Blobs as several processes would see them in Redis, with every fault that a test wants. */
export class BlobShelf {
  readonly bytes = new Map<string, Buffer>();
  readonly lives: number[] = [];
  fetches = 0;
  /** Thrown instead of an answer. */
  failure: Error | undefined;
  readonly #listeners: Array<(name: string | null) => void> = [];

  /** The store of one process. */
  open(): BlobStore {
    return {
      fetch: async (name) => {
        this.fetches++;
        if (this.failure) throw this.failure;
        const bytes = this.bytes.get(name);
        return bytes && Buffer.from(bytes);
      },
      keep: async (name, bytes, life) => {
        if (this.failure) throw this.failure;
        this.lives.push(life);
        const standing = this.bytes.get(name);
        if (standing && !standing.equals(bytes)) return 0;
        this.bytes.set(name, Buffer.from(bytes));
        return life;
      },
      onLost: (listener) => void this.#listeners.push(listener),
    };
  }

  /** Removes all, and tells of it. */
  lose(): void {
    this.bytes.clear();
    for (const listener of this.#listeners) listener(null);
  }
}
