import { EncodeError, InvalidOptionError } from '../errors.js';
import type { Codec } from './codec.js';
import { decodeEntry, encodeEntry, type EntryFault, type EntryHeader } from './entry.js';

/** What the header of a value says beside the codec; the units are those of {@link EntryHeader}. */
export interface ValueFields {
  readonly createdAt: number;
  readonly freshFor?: number | undefined;
  readonly usableFor?: number | undefined;
  readonly cost?: number | undefined;
  readonly tags?: readonly string[] | undefined;
}

/** A value that was read. It keeps nothing of the bytes it came from. */
export interface DecodedValue {
  readonly ok: true;
  readonly value: unknown;
  readonly header: EntryHeader;
}

/**
 * Why there is no value. `marker`: it is a lease, and nothing is wrong. The others are to be counted, and are a miss:
 * `other-codec` was written with a codec or compressor this process does not have; `undecodable` is refused by the codec.
 */
type UnreadableReason = EntryFault | 'marker' | 'other-codec' | 'undecodable';

/** Bytes that hold no value for this process. */
export interface Unreadable {
  readonly ok: false;
  readonly reason: UnreadableReason;
  /** What the codec threw, for `undecodable`. */
  readonly cause?: unknown;
}

/** So large a value is a mistake rather than a need: while Redis reads or writes it, nobody else gets an answer. */
export const DEFAULT_MAX_BYTES = 64 * 1024 * 1024;

const A_MARKER: Unreadable = Object.freeze({ ok: false, reason: 'marker' });
const OTHER_CODEC: Unreadable = Object.freeze({ ok: false, reason: 'other-codec' });

/** Values to and from entries: writes with one codec, reads with that and others. */
export class Serializer {
  readonly #codec: Codec;
  readonly #readers: ReadonlyArray<Codec | undefined>;
  readonly #maxBytes: number;

  /**
   * @param codec - writes, and reads its own.
   * @param alsoReads - read only, so that a change of codec leaves the entries there readable. A process that may not be
   * up to date yet needs the new codec here before another writes with it.
   * @param maxBytes - what an entry may have altogether; a larger one is refused when it is written, and read all the same.
   * @throws InvalidOptionError for an id outside 1 to 15, or one that two of them have.
   */
  constructor(codec: Codec, alsoReads: readonly Codec[] = [], maxBytes = DEFAULT_MAX_BYTES) {
    const readers: Array<Codec | undefined> = Array.from({ length: 16 });
    for (const reader of [codec, ...alsoReads]) {
      const { id, name } = reader;
      if (!Number.isInteger(id) || id < 1 || id > 15) {
        throw new InvalidOptionError(`codec '${name}': the id must be an integer from 1 to 15, and is ${id}`);
      }
      const other = readers[id];
      if (other && other !== reader && other.name !== name) {
        throw new InvalidOptionError(`codecs '${other.name}' and '${name}' have the same id, ${id}`);
      }
      readers[id] ??= reader;
    }
    this.#codec = codec;
    this.#maxBytes = maxBytes;
    this.#readers = readers;
  }

  /** The codecs it reads, the one it writes with among them. */
  get codecs(): readonly Codec[] {
    return this.#readers.filter((reader) => reader !== undefined);
  }

  /**
   * The bytes to store; they are the caller's own.
   *
   * @throws EncodeError when the codec refuses the value, it is too large, or a field is out of its range.
   */
  encode(value: unknown, fields: ValueFields): Buffer {
    const { id, name } = this.#codec;
    let payload: Uint8Array;
    try {
      payload = this.#codec.encode(value);
    } catch (error) {
      if (error instanceof EncodeError) throw error;
      throw new EncodeError(`codec '${name}' failed: ${String(error)}`, { cause: error });
    }
    const { createdAt, freshFor, usableFor, cost, tags } = fields;
    const entry = encodeEntry({ codec: id, createdAt, freshFor, usableFor, cost, tags }, payload);
    if (entry.length > this.#maxBytes) {
      throw new EncodeError(
        `the value takes ${entry.length} bytes, which is more than maxValueBytes (${this.#maxBytes})`,
      );
    }
    return entry;
  }

  /** Never throws, whatever the bytes and whatever the codec does. */
  decode(bytes: Buffer): DecodedValue | Unreadable {
    const entry = decodeEntry(bytes);
    if (!entry.ok) return entry;
    const { header, payload } = entry;
    if (header.marker) return A_MARKER;
    const codec = header.compressor === 0 ? this.#readers[header.codec] : undefined;
    if (!codec) return OTHER_CODEC;
    try {
      const value = codec.decode(payload);
      return value === undefined
        ? { ok: false, reason: 'undecodable' } // undefined means a miss, also from a codec that returns it
        : { ok: true, value, header };
    } catch (cause) {
      return { ok: false, reason: 'undecodable', cause };
    }
  }
}
