import type { BlobStore } from '../../src/codec/blobs/blob-store.js';
import { SharedBlobs } from '../../src/codec/blobs/shared-blobs.js';
import { SharedHeads } from '../../src/codec/blobs/shared-heads.js';
import type { Codec } from '../../src/codec/codec.js';
import { Dictionaries } from '../../src/codec/dictionaries/dictionaries.js';
import type { DictionaryRegistry } from '../../src/codec/dictionaries/dictionary-registry.js';
import { jsonCodec } from '../../src/codec/json.js';
import { msgpackCodec } from '../../src/codec/msgpack.js';
import { Serializer } from '../../src/codec/serializer.js';

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

  readonly dictionaries = new Map<string, string>();
  claimed = false;
  claims = 0;

  /** Which dictionaries there are, as one process sees it. */
  registry(): DictionaryRegistry {
    return {
      current: async (kind) => this.dictionaries.get(kind),
      claim: async () => {
        this.claims++;
        const free = !this.claimed;
        this.claimed = true;
        return free;
      },
      publish: async (kind, name) => void this.dictionaries.set(kind, name),
    };
  }

  /** Removes all, and tells of it. */
  lose(): void {
    this.bytes.clear();
    for (const listener of this.#listeners) listener(null);
  }
}

/** The serializer of one process. */
export function sharingSerializer(
  shelf: BlobShelf,
  now?: () => number,
  codecs: readonly [Codec, ...Codec[]] = [msgpackCodec(), jsonCodec()],
): Serializer {
  const blobs = new SharedBlobs(shelf.open(), now);
  const heads = new SharedHeads(blobs);
  const dictionaries = new Dictionaries(blobs, shelf.registry(), now);
  return new Serializer(codecs[0], codecs.slice(1)).sharing({ blobs, heads, dictionaries });
}
