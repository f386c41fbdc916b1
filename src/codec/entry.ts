import { EncodeError } from '../errors.js';
import { BLOB_ID_BYTES } from './blobs/blob.js';
import { checksumAround } from './checksum.js';
import { VarintReader, varintLength, writeVarint } from './varint.js';
import { writeVersionId } from './version-id.js';

/**
 * What Redis holds under a key: a binary header and the payload. docs/format.md has every byte and the reasons; the worked
 * example there is checked by a test.
 */

/** All that the header tells. Times are milliseconds. */
export interface EntryHeader {
  /** Id of the codec of the payload; 0 where there is no payload. */
  readonly codec: number;
  /** Id of the compressor of the payload; 0 for none. */
  readonly compressor: number;
  /** Whether this is a lease: somebody loads the value, and there is none yet. */
  readonly marker: boolean;
  /** When it was made: ms since the epoch, by the Redis server's clock. */
  readonly createdAt: number;
  /** How long after `createdAt` it is fresh; undefined: it never goes stale. */
  readonly freshFor: number | undefined;
  /** How long after `createdAt` it may be used at all, stale or not; undefined: as long as it is fresh. */
  readonly usableFor: number | undefined;
  /** What the load took, in microseconds. */
  readonly cost: number | undefined;
  readonly tags: readonly string[];
}

/** What is given to make an entry; what is left out is 0, false, undefined or empty. Fractions of a unit are cut off. */
export type EntryFields = { readonly [F in keyof EntryHeader]?: EntryHeader[F] | undefined } & {
  readonly codec: number;
  readonly createdAt: number;
  /** The id of the blob that the payload begins with, and that is left out of it. */
  readonly headId?: Buffer | undefined;
};

/** An entry that was read. The payload is a view into the given bytes. */
export interface DecodedEntry {
  readonly ok: true;
  readonly header: EntryHeader;
  readonly payload: Buffer;
  /** Where the id of the blob is that the payload begins with; -1 where the payload is whole. */
  readonly headAt: number;
}

/**
 * Why bytes are no entry: `not-ours` begins as none of ours does; `truncated` is shorter than any; `corrupt` has a wrong
 * checksum or header; `newer-format` was written by a later version of this package.
 */
export type EntryFault = 'not-ours' | 'truncated' | 'corrupt' | 'newer-format';

/** Bytes that are no entry. */
export interface DecodeFailure {
  readonly ok: false;
  readonly reason: EntryFault;
}

const MAGIC = 0xc1;
const FORMAT = 0x01;

const FLAGS_AT = 2;
const CODEC_AT = 3;
const VERSION_AT = 4;
const CHECKSUM_AT = 12;
const CREATED_AT = 16;
const FIXED_BYTES = 22;

const MARKER = 1 << 0;
const HAS_FRESH_FOR = 1 << 1;
const HAS_USABLE_FOR = 1 << 2;
const HAS_COST = 1 << 3;
const HAS_TAGS = 1 << 4;
const HAS_HEAD_ID = 1 << 5;
const KNOWN_FLAGS = MARKER | HAS_FRESH_FOR | HAS_USABLE_FOR | HAS_COST | HAS_TAGS | HAS_HEAD_ID;

const LARGEST_UINT48 = 2 ** 48 - 1;
const NO_PAYLOAD = Buffer.alloc(0);
const NO_TAGS: readonly string[] = Object.freeze([]);

const NOT_OURS: DecodeFailure = Object.freeze({ ok: false, reason: 'not-ours' });
const TRUNCATED: DecodeFailure = Object.freeze({ ok: false, reason: 'truncated' });
const CORRUPT: DecodeFailure = Object.freeze({ ok: false, reason: 'corrupt' });
const NEWER_FORMAT: DecodeFailure = Object.freeze({ ok: false, reason: 'newer-format' });

/**
 * An entry of its own bytes, with a new random version id. The payload is copied.
 *
 * @param head - what the payload begins with, where that is at hand apart from the rest.
 * @throws EncodeError for a field out of its range.
 */
export function encodeEntry(fields: EntryFields, payload: Uint8Array, head: Uint8Array = NO_PAYLOAD): Buffer {
  const freshFor = counted(fields.freshFor, 'freshFor');
  const usableFor = counted(fields.usableFor, 'usableFor');
  const cost = counted(fields.cost, 'cost');
  const createdAt = counted(fields.createdAt, 'createdAt', LARGEST_UINT48) ?? 0;
  const codec = nibble(fields.codec, 'codec');
  const compressor = nibble(fields.compressor ?? 0, 'compressor');
  const tags = fields.tags ?? NO_TAGS;

  let flags = fields.marker ? MARKER : 0;
  let start = FIXED_BYTES;
  if (freshFor !== undefined) {
    flags |= HAS_FRESH_FOR;
    start += varintLength(freshFor);
  }
  if (usableFor !== undefined) {
    flags |= HAS_USABLE_FOR;
    start += varintLength(usableFor);
  }
  if (cost !== undefined) {
    flags |= HAS_COST;
    start += varintLength(cost);
  }
  if (tags.length > 0) {
    flags |= HAS_TAGS;
    start += tagsLength(tags);
  }
  if (fields.headId) {
    flags |= HAS_HEAD_ID;
    start += BLOB_ID_BYTES;
  }

  const entry = Buffer.allocUnsafe(start + head.length + payload.length);
  entry[0] = MAGIC;
  entry[1] = FORMAT;
  entry[FLAGS_AT] = flags;
  entry[CODEC_AT] = codec | (compressor << 4);
  writeVersionId(entry, VERSION_AT);
  writeUint48(entry, CREATED_AT, createdAt);
  let at = FIXED_BYTES;
  if (freshFor !== undefined) at = writeVarint(entry, at, freshFor);
  if (usableFor !== undefined) at = writeVarint(entry, at, usableFor);
  if (cost !== undefined) at = writeVarint(entry, at, cost);
  if (tags.length > 0) at = writeTags(entry, at, tags);
  if (fields.headId) {
    entry.set(fields.headId, at);
    at += BLOB_ID_BYTES;
  }
  entry.set(head, at);
  at += head.length;
  entry.set(payload, at);
  entry.writeUInt32BE(checksumAround(entry, CHECKSUM_AT, CREATED_AT, at, payload), CHECKSUM_AT);
  return entry;
}

/** A lease: an entry without a value. Its version id tells it from every other lease. */
export function encodeMarker(fields: {
  readonly createdAt: number;
  readonly freshFor?: number | undefined;
}): Buffer {
  return encodeEntry(
    { codec: 0, marker: true, createdAt: fields.createdAt, freshFor: fields.freshFor },
    NO_PAYLOAD,
  );
}

/** Reads an entry. Never throws, whatever the bytes; what it returns does not depend on what is around them. */
export function decodeEntry(bytes: Buffer): DecodedEntry | DecodeFailure {
  if (bytes.length === 0 || bytes[0] !== MAGIC) return NOT_OURS;
  if (bytes.length < FIXED_BYTES) return TRUNCATED;
  const format = bytes[1] ?? 0;
  if (format !== FORMAT) return format > FORMAT ? NEWER_FORMAT : NOT_OURS;
  const flags = bytes[FLAGS_AT] ?? 0;

  const reader = fieldsReader;
  reader.begin(bytes, FIXED_BYTES);
  const freshFor = flags & HAS_FRESH_FOR ? reader.next() : undefined;
  const usableFor = flags & HAS_USABLE_FOR ? reader.next() : undefined;
  const cost = flags & HAS_COST ? reader.next() : undefined;
  const tags = flags & HAS_TAGS ? readTags(bytes, reader) : NO_TAGS;
  const headAt = flags & HAS_HEAD_ID ? reader.skip(BLOB_ID_BYTES) : -1;
  if (reader.failed) return (flags & ~KNOWN_FLAGS) === 0 ? CORRUPT : faultOfUnknown(bytes);
  const payload = bytes.subarray(reader.at);
  if (
    bytes.readUInt32BE(CHECKSUM_AT) !== checksumAround(bytes, CHECKSUM_AT, CREATED_AT, reader.at, payload)
  ) {
    return CORRUPT;
  }
  if ((flags & ~KNOWN_FLAGS) !== 0) return NEWER_FORMAT;

  const codecs = bytes[CODEC_AT] ?? 0;
  const header: EntryHeader = {
    codec: codecs & 0x0f,
    compressor: codecs >> 4,
    marker: (flags & MARKER) !== 0,
    createdAt: uint48(bytes, CREATED_AT),
    freshFor,
    usableFor,
    cost,
    tags,
  };
  return { ok: true, header, payload, headAt };
}

/** What the beginning of an entry tells, without the rest and so without proof that it is whole. */
export interface EntryBeginning {
  readonly codec: number;
  readonly compressor: number;
  readonly marker: boolean;
  /** Bytes before the payload; those given, where the fields go on behind them. */
  readonly headerBytes: number;
  /** Those of them that name what the payload begins with, which other ways to store would not need. */
  readonly headIdBytes: number;
}

/** Undefined for what does not begin as an entry of this format. */
export function readBeginning(bytes: Buffer): EntryBeginning | undefined {
  if (bytes.length < FIXED_BYTES || bytes[0] !== MAGIC || bytes[1] !== FORMAT) return undefined;
  const flags = bytes[FLAGS_AT] ?? 0;
  const codecs = bytes[CODEC_AT] ?? 0;
  const reader = fieldsReader;
  reader.begin(bytes, FIXED_BYTES);
  for (const flag of [HAS_FRESH_FOR, HAS_USABLE_FOR, HAS_COST]) if (flags & flag) reader.next();
  if (flags & HAS_TAGS) readTags(bytes, reader);
  if (flags & HAS_HEAD_ID) reader.skip(BLOB_ID_BYTES);
  return {
    codec: codecs & 0x0f,
    compressor: codecs >> 4,
    marker: (flags & MARKER) !== 0,
    headerBytes: reader.failed ? bytes.length : reader.at,
    headIdBytes: flags & HAS_HEAD_ID ? BLOB_ID_BYTES : 0,
  };
}

/** One for all, since a reader an entry would be a good part of what reading a header costs. Nothing is read in between. */
const fieldsReader = new VarintReader();

/** As `Buffer.readUIntBE`, without its checks: it is sure that the bytes are there. */
function uint48(bytes: Buffer, at: number): number {
  let value = 0;
  for (let i = at; i < at + 6; i++) value = value * 256 + (bytes[i] ?? 0);
  return value;
}

function writeUint48(entry: Buffer, at: number, value: number): void {
  let rest = value;
  for (let i = at + 5; i >= at; i--) {
    entry[i] = rest % 256;
    rest = Math.floor(rest / 256);
  }
}

/** Flags nobody here knows, and fields that cannot be followed: whole all the same, or damaged? */
function faultOfUnknown(bytes: Buffer): DecodeFailure {
  const rest = bytes.subarray(CREATED_AT);
  const checksum = checksumAround(bytes, CHECKSUM_AT, CREATED_AT, CREATED_AT, rest);
  return bytes.readUInt32BE(CHECKSUM_AT) === checksum ? NEWER_FORMAT : CORRUPT;
}

/**
 * The version id, as 8 characters of latin1, to compare an entry with later: equal ids are the same write of the same
 * entry. Of bytes that are no entry it is some string, and shorter than 8 characters where they are too few.
 */
export function versionOf(bytes: Buffer): string {
  return bytes.toString('latin1', VERSION_AT, VERSION_AT + 8);
}

/** Whether the bytes begin as a lease does. Cheap, and no proof that the rest can be read. */
export function isMarker(bytes: Buffer): boolean {
  return (
    bytes.length >= FIXED_BYTES &&
    bytes[0] === MAGIC &&
    bytes[1] === FORMAT &&
    ((bytes[FLAGS_AT] ?? 0) & MARKER) !== 0
  );
}

function counted(
  value: number | undefined,
  name: string,
  largest = Number.MAX_SAFE_INTEGER,
): number | undefined {
  if (value === undefined) return undefined;
  const whole = Math.floor(value);
  if (whole >= 0 && whole <= largest) return whole;
  throw new EncodeError(`${name} must be a number from 0 to ${largest}, and is ${value}`);
}

function nibble(value: number, name: string): number {
  if (Number.isInteger(value) && value >= 0 && value <= 15) return value;
  throw new EncodeError(`the id of a ${name} must be an integer from 0 to 15, and is ${value}`);
}

function tagsLength(tags: readonly string[]): number {
  let total = varintLength(tags.length);
  for (const tag of tags) {
    const length = utf8Length(tag);
    total += varintLength(length) + length;
  }
  return total;
}

function writeTags(entry: Buffer, offset: number, tags: readonly string[]): number {
  let at = writeVarint(entry, offset, tags.length);
  for (const tag of tags) {
    const length = utf8Length(tag);
    at = writeVarint(entry, at, length);
    if (length === tag.length) {
      for (let i = 0; i < length; i++) entry[at++] = tag.charCodeAt(i);
    } else {
      at += entry.write(tag, at);
    }
  }
  return at;
}

/** As `Buffer.byteLength`, without a call out of JavaScript for the short ASCII that tags are. */
function utf8Length(text: string): number {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return Buffer.byteLength(text);
  return text.length;
}

function readTags(bytes: Buffer, reader: VarintReader): readonly string[] {
  const count = reader.next();
  const tags: string[] = [];
  for (let i = 0; i < count && !reader.failed; i++) {
    const length = reader.next();
    if (!reader.has(length)) reader.failed = true;
    else tags.push(bytes.toString('utf8', reader.at, (reader.at += length)));
  }
  return tags;
}
