import { EncodeError, InvalidOptionError } from '../errors.js';
import type { Codec } from './codec.js';
import {
  compressed,
  compressedLater,
  decompressed,
  decompressedLater,
  readCompressed,
  type CompressedPayload,
  type Unopened,
} from './compression/compressed-payload.js';
import type { Compression } from './compression/compression.js';
import { LATER_FROM, type Compressor } from './compression/compressor.js';
import { knownCompressor } from './compression/compressors.js';
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
 * Why there is no value. `marker`: it is a lease, and nothing is wrong. `unfinished`: it takes more than this turn of the
 * event loop, see {@link Serializer.finish}. The others are to be counted, and are a miss: `other-codec` was written with a
 * codec or compressor this process does not have; `too-large` would be larger than this process allows; `undecodable` is
 * refused by the codec or compressor.
 */
type UnreadableReason = EntryFault | 'marker' | 'unfinished' | 'other-codec' | 'too-large' | 'undecodable';

/** Bytes that hold no value for this process. */
export interface Unreadable {
  readonly ok: false;
  readonly reason: UnreadableReason;
  /** What the codec or compressor threw, for `undecodable`. */
  readonly cause?: unknown;
}

const A_MARKER: Unreadable = Object.freeze({ ok: false, reason: 'marker' });
const UNFINISHED: Unreadable = Object.freeze({ ok: false, reason: 'unfinished' });
const OTHER_CODEC: Unreadable = Object.freeze({ ok: false, reason: 'other-codec' });
const TOO_LARGE: Unreadable = Object.freeze({ ok: false, reason: 'too-large' });

/** What a value may have decompressed when nobody says. */
const DEFAULT_MOST_BYTES = 64 * 1024 * 1024;

/**
 * Values to and from entries: writes with one codec, reads with that and others.
 *
 * Both ways end in the turn they began in, but for what would hold up the event loop: large payloads that are compressed.
 */
export class Serializer {
  readonly #codec: Codec;
  readonly #readers: ReadonlyArray<Codec | undefined>;
  readonly #mostBytes: number;

  /**
   * @param codec - writes, and reads its own.
   * @param alsoReads - read only, so that a change of codec leaves the entries there readable. A process that may not be
   * up to date yet needs the new codec here before another writes with it.
   * @param mostBytes - of a payload when it is decompressed; larger ones are not compressed, and not read.
   * @throws InvalidOptionError for an id outside 1 to 15, or one that two of them have.
   */
  constructor(codec: Codec, alsoReads: readonly Codec[] = [], mostBytes = DEFAULT_MOST_BYTES) {
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
    this.#readers = readers;
    this.#mostBytes = mostBytes;
  }

  /** The codecs it reads, the one it writes with among them. */
  get codecs(): readonly Codec[] {
    return this.#readers.filter((reader) => reader !== undefined);
  }

  /**
   * The bytes to store; they are the caller's own. The value is read at once, whatever becomes of it afterwards. A promise
   * only where a large payload is compressed.
   *
   * @throws EncodeError, and at once, when the codec refuses the value, or a field is out of its range.
   */
  encode(value: unknown, fields: ValueFields, compression?: Compression): Buffer | Promise<Buffer> {
    const payload = this.#payloadOf(value);
    if (
      !compression ||
      payload.length < compression.threshold ||
      payload.length > this.#mostBytes ||
      compression.compressor.starting
    ) {
      return this.#entry(fields, payload);
    }
    if (payload.length >= LATER_FROM) return this.#encodeLater(Buffer.from(payload), fields, compression);
    return this.#compressedEntry(fields, payload, compressed(asBuffer(payload), compression), compression);
  }

  /**
   * What the bytes hold, or that there is nothing for this process. Never throws, whatever the bytes and whatever the codec
   * does.
   */
  decode(bytes: Buffer): DecodedValue | Unreadable {
    const entry = decodeEntry(bytes);
    if (!entry.ok) return entry;
    const { header, payload } = entry;
    if (header.marker) return A_MARKER;
    const codec = this.#readers[header.codec];
    if (!codec) return OTHER_CODEC;
    if (header.compressor === 0) return valueOf(codec, payload, header);
    const unopened = this.#unopened(header, payload);
    if (!unopened.ok) return unopened;
    if (unopened.length >= LATER_FROM || unopened.compressor.starting) return UNFINISHED;
    try {
      return valueOf(codec, decompressed(unopened, unopened.compressor), header);
    } catch (cause) {
      return { ok: false, reason: 'undecodable', cause };
    }
  }

  /** The same for bytes that {@link decode} has found to be unfinished. Never rejects. */
  async finish(bytes: Buffer): Promise<DecodedValue | Unreadable> {
    const entry = decodeEntry(Buffer.from(bytes));
    if (!entry.ok) return entry;
    const { header, payload } = entry;
    const codec = this.#readers[header.codec];
    const unopened = this.#unopened(header, payload);
    if (!codec) return OTHER_CODEC;
    if (!unopened.ok) return unopened;
    try {
      await unopened.compressor.starting;
      return valueOf(codec, await decompressedLater(unopened, unopened.compressor), header);
    } catch (cause) {
      return { ok: false, reason: 'undecodable', cause };
    }
  }

  #payloadOf(value: unknown): Uint8Array {
    try {
      return this.#codec.encode(value);
    } catch (error) {
      if (error instanceof EncodeError) throw error;
      throw new EncodeError(`codec '${this.#codec.name}' failed: ${String(error)}`, { cause: error });
    }
  }

  #entry(fields: ValueFields, payload: Uint8Array, head?: Uint8Array, compressor = 0): Buffer {
    const { createdAt, freshFor, usableFor, cost, tags } = fields;
    const codec = this.#codec.id;
    return encodeEntry({ codec, compressor, createdAt, freshFor, usableFor, cost, tags }, payload, head);
  }

  #compressedEntry(
    fields: ValueFields,
    payload: Uint8Array,
    smaller: CompressedPayload | undefined,
    { compressor }: Compression,
  ): Buffer {
    if (!smaller) return this.#entry(fields, payload);
    return this.#entry(fields, smaller.bytes, smaller.length, compressor.id);
  }

  async #encodeLater(payload: Buffer, fields: ValueFields, compression: Compression): Promise<Buffer> {
    const smaller = await compressedLater(payload, compression);
    return this.#compressedEntry(fields, payload, smaller, compression);
  }

  #unopened(
    { compressor: id }: EntryHeader,
    payload: Buffer,
  ): (Unopened & { readonly ok: true; readonly compressor: Compressor }) | Unreadable {
    const compressor = knownCompressor(id);
    if (!compressor) return OTHER_CODEC;
    const read = readCompressed(payload);
    if (!read) return { ok: false, reason: 'undecodable' };
    return read.length > this.#mostBytes ? TOO_LARGE : { ok: true, compressor, ...read };
  }
}

function valueOf(codec: Codec, payload: Buffer, header: EntryHeader): DecodedValue | Unreadable {
  try {
    const value = codec.decode(payload);
    return value === undefined
      ? { ok: false, reason: 'undecodable' } // undefined means a miss, also from a codec that returns it
      : { ok: true, value, header };
  } catch (cause) {
    return { ok: false, reason: 'undecodable', cause };
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
