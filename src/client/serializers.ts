import { SharedBlobs } from '../codec/blobs/shared-blobs.js';
import type { Serializer } from '../codec/serializer.js';
import type { RedisPort } from '../redis/port.js';
import type { KeySpace } from './key-space.js';
import { RedisBlobs } from './redis-blobs.js';

/** The serializer of each key space over one port: those within one outermost namespace share their blobs. */
export class Serializers {
  readonly #plain: Serializer;
  readonly #port: RedisPort;
  readonly #byPrefix = new Map<string, Serializer>();

  constructor(plain: Serializer, port: RedisPort) {
    this.#plain = plain;
    this.#port = port;
  }

  for({ blobPrefix }: KeySpace): Serializer {
    let serializer = this.#byPrefix.get(blobPrefix);
    if (!serializer) {
      serializer = this.#plain.sharing(new SharedBlobs(new RedisBlobs(this.#port, blobPrefix)));
      this.#byPrefix.set(blobPrefix, serializer);
    }
    return serializer;
  }
}
