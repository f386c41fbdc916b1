import { EncodeError, InvalidOptionError } from '../errors.js';
import type { Blob } from './blobs/blob.js';
import type { SharedBlobs } from './blobs/shared-blobs.js';
import type { SharedHeads } from './blobs/shared-heads.js';
import type { Codec } from './codec.js';
import {
  compressed,
  compressedLater,
  decompressed,
  decompressedLater,
  readCompressed,
  type CompressedPayload,
} from './compression/compressed-payload.js';
import type { Compression } from './compression/compression.js';
import { LATER_FROM } from './compression/compressor.js';
import type { Dictionaries } from './dictionaries/dictionaries.js';
import type { Dictionary } from './dictionaries/dictionary.js';
import { isParted, type PartedCodec } from './parted-codec.js';
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
 * codec or compressor this process does not have; `missing-blob` names bytes that it shares with other entries and that could
 * not be had; `too-large` would be larger than this process allows; `undecodable` is refused by the codec or compressor.
 */
type UnreadableReason =
  | EntryFault
  | 'marker'
  | 'unfinished'
  | 'other-codec'
  | 'missing-blob'
  | 'too-large'
  | 'undecodable';

/** Bytes that hold no value for this process. */
export interface Unreadable {
  readonly ok: false;
  readonly reason: UnreadableReason;
  /** What the codec or compressor threw, for `undecodable`. */
  readonly cause?: unknown;
}

/** So large a value is a mistake rather than a need: while Redis reads or writes it, nobody else gets an answer. */
const DEFAULT_MAX_BYTES = 64 * 1024 * 1024;

const A_MARKER: Unreadable = Object.freeze({ ok: false, reason: 'marker' });
const UNFINISHED: Unreadable = Object.freeze({ ok: false, reason: 'unfinished' });
const NOTHING = Buffer.alloc(0);
const OTHER_CODEC: Unreadable = Object.freeze({ ok: false, reason: 'other-codec' });
const MISSING_BLOB: Unreadable = Object.freeze({ ok: false, reason: 'missing-blob' });

export interface SerializerOptions {
  /**
   * Bytes that the codec may make of a value: a larger one is refused when it is written, and one that would become larger when
   * it is decompressed is not read. Default 64 MiB.
   */
  readonly maxBytes?: number;
  /** Missing where entries must be whole, and such as are not cannot be read. */
  readonly sharing?: Sharing;
}

/** Ways for entries to stand apart from what they have in common. */
export interface Sharing {
  readonly blobs: SharedBlobs;
  readonly heads: SharedHeads;
  readonly dictionaries: Dictionaries;
}

/** A payload to be stored. */
interface Encoded {
  readonly head: Buffer | undefined;
  readonly body: Uint8Array;
}

/**
 * Values to and from entries: writes with one codec, reads with that and others.
 *
 * Both ways end in the turn they began in, but for two things: large payloads that are compressed, which would hold up the
 * event loop, and blobs that this process has not met yet.
 */
export class Serializer {
  readonly #codec: Codec;
  readonly #parted: PartedCodec | undefined;
  readonly #readers: ReadonlyArray<Codec | undefined>;
  readonly #maxBytes: number;
  readonly #sharing: Sharing | undefined;
  readonly #made: readonly [codec: Codec, alsoReads: readonly Codec[], options: SerializerOptions];

  /**
   * @param codec - writes, and reads its own.
   * @param alsoReads - read only, so that a change of codec leaves the entries there readable. A process that may not be
   * up to date yet needs the new codec here before another writes with it.
   * @throws InvalidOptionError for an id outside 1 to 15, or one that two of them have.
   */
  constructor(codec: Codec, alsoReads: readonly Codec[] = [], options: SerializerOptions = {}) {
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
    this.#made = [codec, alsoReads, options];
    this.#codec = codec;
    this.#parted = isParted(codec) ? codec : undefined;
    this.#readers = readers;
    this.#maxBytes = options.maxBytes ?? DEFAULT_MAX_BYTES;
    this.#sharing = options.sharing;
  }

  /** The same, sharing what entries have in common. */
  sharing(sharing: Sharing): Serializer {
    const [codec, alsoReads, options] = this.#made;
    return new Serializer(codec, alsoReads, { ...options, sharing });
  }

  /** The codecs it reads, the one it writes with among them. */
  get codecs(): readonly Codec[] {
    return this.#readers.filter((reader) => reader !== undefined);
  }

  /**
   * The bytes to store; they are the caller's own. The value is read at once, whatever becomes of it afterwards. A promise,
   * which never rejects, where a large payload is compressed.
   *
   * @throws EncodeError when the codec refuses the value, it is too large, or a field is out of its range.
   */
  encode(value: unknown, fields: ValueFields): Buffer;
  encode(value: unknown, fields: ValueFields, compression: Compression | undefined): Buffer | Promise<Buffer>;
  encode(value: unknown, fields: ValueFields, compression?: Compression): Buffer | Promise<Buffer> {
    const { head, body } = this.#encoded(value);
    const length = body.length + (head?.length ?? 0);
    if (length > this.#maxBytes) {
      throw new EncodeError(
        `the value takes ${length} bytes, which is more than maxValueBytes (${this.#maxBytes})`,
      );
    }
    const blob = head && this.#sharing?.heads.pick(head, body.length, lifeOf(fields));
    return this.#complete(body, head, blob, fields, compression);
  }

  /**
   * What the bytes hold, or that there is nothing for this process. Never throws, whatever the bytes and whatever the codec
   * does.
   */
  decode(bytes: Buffer): DecodedValue | Unreadable {
    const entry = decodeEntry(bytes);
    if (!entry.ok) return entry;
    const { header, payload, headAt } = entry;
    if (header.marker) return A_MARKER;
    const codec = this.#readers[header.codec];
    if (!codec) return OTHER_CODEC;
    const blobs = this.#sharing?.blobs;
    const head = headAt === -1 ? undefined : blobs?.find(bytes, headAt);
    if (headAt !== -1 && !head) return blobs ? UNFINISHED : MISSING_BLOB;
    if (header.compressor === 0) return valueOf(codec, head, payload, header);

    const unopened = readCompressed(header.compressor, payload, this.#maxBytes);
    if (typeof unopened === 'string') return { ok: false, reason: unopened };
    if (unopened.length >= LATER_FROM || unopened.compressor.starting) return UNFINISHED;
    const dictionary = unopened.hasDictionary ? blobs?.find(payload, 0) : undefined;
    if (unopened.hasDictionary && !dictionary) return blobs ? UNFINISHED : MISSING_BLOB;
    try {
      return valueOf(codec, head, decompressed(unopened, dictionary), header);
    } catch (cause) {
      return { ok: false, reason: 'undecodable', cause };
    }
  }

  /** The same for bytes that {@link decode} has found to be unfinished. Never rejects. */
  async finish(bytes: Buffer): Promise<DecodedValue | Unreadable> {
    const own = Buffer.from(bytes);
    const entry = decodeEntry(own);
    if (!entry.ok) return entry;
    const { header, payload, headAt } = entry;
    const codec = this.#readers[header.codec];
    if (!codec) return OTHER_CODEC;
    const blobs = this.#sharing?.blobs;
    const head = headAt === -1 ? undefined : await blobs?.fetch(own, headAt);
    if (headAt !== -1 && !head) return MISSING_BLOB;
    if (header.compressor === 0) return valueOf(codec, head, payload, header);

    const unopened = readCompressed(header.compressor, payload, this.#maxBytes);
    if (typeof unopened === 'string') return { ok: false, reason: unopened };
    const dictionary = unopened.hasDictionary ? await blobs?.fetch(payload, 0) : undefined;
    if (unopened.hasDictionary && !dictionary) return MISSING_BLOB;
    try {
      return valueOf(codec, head, await decompressedLater(unopened, dictionary), header);
    } catch (cause) {
      return { ok: false, reason: 'undecodable', cause };
    }
  }

  #encoded(value: unknown): Encoded {
    try {
      return this.#parted?.encodeParts(value) ?? { head: undefined, body: this.#codec.encode(value) };
    } catch (error) {
      if (error instanceof EncodeError) throw error;
      throw new EncodeError(`codec '${this.#codec.name}' failed: ${String(error)}`, { cause: error });
    }
  }

  /** @param head - what the payload begins with; it is left out where a blob stands for it. */
  #complete(
    body: Uint8Array,
    head: Buffer | undefined,
    blob: Blob | undefined,
    fields: ValueFields,
    compression: Compression | undefined,
  ): Buffer | Promise<Buffer> {
    const inline = blob ? undefined : head;
    const length = body.length + (inline?.length ?? 0);
    if (!compression || compression.compressor.starting) {
      return this.#entry(fields, body, inline, blob);
    }
    if (length >= LATER_FROM) {
      return this.#compressLater(Buffer.concat([inline ?? NOTHING, body]), blob, fields, compression);
    }
    const common = this.#dictionary(compression);
    const dictionary = common?.forEntry(lifeOf(fields));
    if (length < (dictionary ? compression.dictionaryThreshold : compression.threshold)) {
      if (length >= compression.dictionaryThreshold) common?.wrote(body, body.length, compression.compressor);
      return this.#entry(fields, body, inline, blob);
    }
    const payload = inline ? Buffer.concat([inline, body]) : asBuffer(body);
    const smaller = compressed(payload, compression, dictionary);
    common?.wrote(payload, smaller?.bytes.length ?? length, compression.compressor);
    return this.#compressedEntry(smaller, payload, blob, fields);
  }

  async #compressLater(
    payload: Buffer,
    blob: Blob | undefined,
    fields: ValueFields,
    compression: Compression,
  ): Promise<Buffer> {
    return this.#compressedEntry(await compressedLater(payload, compression), payload, blob, fields);
  }

  #dictionary({ dictionary }: Compression): Dictionary | undefined {
    return dictionary === undefined ? undefined : this.#sharing?.dictionaries.of(dictionary);
  }

  #compressedEntry(
    smaller: CompressedPayload | undefined,
    payload: Buffer,
    blob: Blob | undefined,
    fields: ValueFields,
  ): Buffer {
    return smaller
      ? this.#entry(fields, smaller.bytes, smaller.head, blob, smaller.id)
      : this.#entry(fields, payload, undefined, blob);
  }

  #entry(
    { createdAt, freshFor, usableFor, cost, tags }: ValueFields,
    payload: Uint8Array,
    head: Buffer | undefined,
    blob: Blob | undefined,
    compressor = 0,
  ): Buffer {
    const codec = this.#codec.id;
    const headId = blob?.id;
    return encodeEntry(
      { codec, compressor, createdAt, freshFor, usableFor, cost, tags, headId },
      payload,
      head,
    );
  }
}

function valueOf(
  codec: Codec,
  head: Blob | undefined,
  payload: Buffer,
  header: EntryHeader,
): DecodedValue | Unreadable {
  try {
    const value = head ? decodeBoth(codec, head, payload) : codec.decode(payload);
    return value === undefined
      ? { ok: false, reason: 'undecodable' } // undefined means a miss, also from a codec that returns it
      : { ok: true, value, header };
  } catch (cause) {
    return { ok: false, reason: 'undecodable', cause };
  }
}

function decodeBoth(codec: Codec, head: Blob, body: Buffer): unknown {
  return isParted(codec)
    ? codec.decodeParts(head.bytes, body)
    : codec.decode(Buffer.concat([head.bytes, body]));
}

/** Milliseconds that an entry is kept. */
function lifeOf({ usableFor, freshFor }: ValueFields): number {
  return usableFor ?? freshFor ?? Infinity;
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
