import { EncodeError } from '../errors.js';
import type { EntryHeader } from './entry.js';
import { jsonCodec } from './json.js';
import type { DecodedValue, Serializer, Unreadable, ValueFields } from './serializer.js';

/** What makes values of bytes and bytes of values. */
export type ValueSerializer = Pick<Serializer, 'encode' | 'decode' | 'finish'>;

const NO_TAGS: readonly string[] = Object.freeze([]);

/**
 * Values as bare JSON text, for programs in other languages that share the keys. There is no header, and so nothing is known
 * of a value but itself: it is fresh for as long as Redis keeps it, and bears no tags.
 */
export class PlainSerializer implements ValueSerializer {
  readonly #codec = jsonCodec();
  readonly #now: () => number;

  /** @param now - milliseconds since the epoch, of which a value that is read is taken to be. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** @throws EncodeError for what is no JSON, and for tags. */
  encode(value: unknown, { tags }: ValueFields): Buffer {
    if (tags && tags.length > 0) throw new EncodeError('a value of format plain bears no tags');
    const bytes = this.#codec.encode(value);
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  decode(bytes: Buffer): DecodedValue | Unreadable {
    try {
      return { ok: true, value: this.#codec.decode(bytes), header: this.#header() };
    } catch (cause) {
      return { ok: false, reason: 'not-ours', cause };
    }
  }

  async finish(bytes: Buffer): Promise<DecodedValue | Unreadable> {
    return this.decode(bytes);
  }

  #header(): EntryHeader {
    return {
      codec: this.#codec.id,
      compressor: 0,
      marker: false,
      createdAt: this.#now(),
      freshFor: undefined,
      usableFor: undefined,
      cost: undefined,
      tags: NO_TAGS,
    };
  }
}
