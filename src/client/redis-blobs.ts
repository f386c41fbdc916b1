import type { BlobStore } from '../codec/blobs/blob-store.js';
import { CacheError } from '../errors.js';
import type { Command, RedisPort } from '../redis/port.js';

/** A life that is shorter than this part of what is asked for is lengthened. */
const SHORT = 0.75;

/** Blobs under keys of their own beside a namespace (see `KeySpace`). */
export class RedisBlobs implements BlobStore {
  readonly #port: RedisPort;
  readonly #prefix: string;

  /** @param prefix - what their keys begin with; the name follows. */
  constructor(port: RedisPort, prefix: string) {
    this.#port = port;
    this.#prefix = prefix;
  }

  async fetch(name: string): Promise<Buffer | undefined> {
    const bytes = await this.#port.get(this.#prefix + name);
    return bytes === null ? undefined : Buffer.from(bytes);
  }

  /**
   * Life is lengthened only where it is much shorter than asked for, so that many processes do not each touch the key: all who
   * have read it are told. It is read behind the write, since the server tells of changes only to those who have read.
   */
  async keep(name: string, bytes: Buffer, life: number): Promise<number> {
    const key = this.#prefix + name;
    const expiry = life === Infinity ? [] : ['PX', String(Math.ceil(life))];
    const left = await this.#standing(bytes, { key, args: ['SET', key, bytes, 'NX', ...expiry] });
    if (left === 0 || left >= life * SHORT) return left;
    const lengthen = life === Infinity ? ['PERSIST', key] : ['PEXPIRE', key, String(Math.ceil(life))];
    return this.#standing(bytes, { key, args: lengthen });
  }

  onLost(listener: (name: string | null) => void): void {
    this.#port.onInvalidate((key) => {
      if (key === null) listener(null);
      else if (key.startsWith(this.#prefix)) listener(key.slice(this.#prefix.length));
    });
    // Nobody told of what happened before a connection, and a server that takes over from another may have less than that.
    this.#port.onStateChange(({ renewed, replaced }) => {
      if (renewed || replaced) listener(null);
    });
  }

  /** For how long these bytes stand after the command; 0 where they do not. */
  async #standing(bytes: Buffer, command: Command): Promise<number> {
    const { key } = command;
    const replies = await this.#port.sendAll([
      command,
      { key, args: ['GET', key] },
      { key, args: ['PTTL', key] },
    ]);
    for (const reply of replies) if (reply instanceof CacheError) throw reply;
    const [, standing, left] = replies;
    if (!Buffer.isBuffer(standing) || !standing.equals(bytes)) return 0;
    return left === -1 ? Infinity : Number(left);
  }
}
