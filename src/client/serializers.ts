import { SharedBlobs } from '../codec/blobs/shared-blobs.js';
import { SharedHeads } from '../codec/blobs/shared-heads.js';
import { Dictionaries } from '../codec/dictionaries/dictionaries.js';
import type { Serializer } from '../codec/serializer.js';
import type { RedisPort } from '../redis/port.js';
import type { KeySpace } from './key-space.js';
import { RedisBlobs } from './redis-blobs.js';
import { RedisDictionaries } from './redis-dictionaries.js';

/** The serializer of each key space over one port. Those within one outermost namespace share their blobs. */
export class Serializers {
  readonly #plain: Serializer;
  readonly #port: RedisPort;
  readonly #shared = new Map<string, { readonly blobs: SharedBlobs; readonly heads: SharedHeads }>();
  readonly #serializers = new Map<string, Serializer>();

  constructor(plain: Serializer, port: RedisPort) {
    this.#plain = plain;
    this.#port = port;
  }

  for(keys: KeySpace): Serializer {
    let serializer = this.#serializers.get(keys.prefix);
    if (!serializer) {
      const { blobs, heads } = this.#sharedBy(keys);
      const dictionaries = new Dictionaries(blobs, new RedisDictionaries(this.#port, keys));
      serializer = this.#plain.sharing({ blobs, heads, dictionaries });
      this.#serializers.set(keys.prefix, serializer);
    }
    return serializer;
  }

  #sharedBy({ blobPrefix }: KeySpace): { readonly blobs: SharedBlobs; readonly heads: SharedHeads } {
    let shared = this.#shared.get(blobPrefix);
    if (!shared) {
      const blobs = new SharedBlobs(new RedisBlobs(this.#port, blobPrefix));
      shared = { blobs, heads: new SharedHeads(blobs) };
      this.#shared.set(blobPrefix, shared);
    }
    return shared;
  }
}
