import type { DictionaryRegistry } from '../codec/dictionaries/dictionary-registry.js';
import type { RedisPort, Reply } from '../redis/port.js';
import type { KeySpace } from './key-space.js';

/** A dictionary that nobody has asked for in this many milliseconds is of a kind that is not stored any more. */
const KEPT_FOR = 30 * 24 * 60 * 60 * 1000;
/** Who has claimed it has made one by then, or never will. */
const CLAIM_LIFE = 60_000;

/** Which dictionary is in use, under keys of their own beside a namespace (see `KeySpace`). */
export class RedisDictionaries implements DictionaryRegistry {
  readonly #port: RedisPort;
  readonly #keys: KeySpace;

  constructor(port: RedisPort, keys: KeySpace) {
    this.#port = port;
    this.#keys = keys;
  }

  async current(kind: string): Promise<string | undefined> {
    const name = await this.#send(['GETEX', this.#keys.dictionaryKey(kind), 'PX', String(KEPT_FOR)]);
    return Buffer.isBuffer(name) ? name.toString('latin1') : undefined;
  }

  async claim(kind: string): Promise<boolean> {
    const key = this.#keys.dictionaryClaimKey(kind);
    return (await this.#send(['SET', key, '1', 'NX', 'PX', String(CLAIM_LIFE)])) !== null;
  }

  async publish(kind: string, name: string): Promise<void> {
    await this.#send(['SET', this.#keys.dictionaryKey(kind), name, 'PX', String(KEPT_FOR)]);
  }

  #send([name, key, ...rest]: readonly [string, string, ...string[]]): Promise<Reply> {
    return this.#port.send({ key, args: [name, key, ...rest] });
  }
}
