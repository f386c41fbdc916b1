import { isMarker, versionOf, encodeMarker, type EntryHeader } from '../codec/entry.js';
import { clearNamespace } from '../client/clear-namespace.js';
import type { Compression } from '../codec/compression/compression.js';
import type { DecodedValue, Serializer, Unreadable, ValueFields } from '../codec/serializer.js';
import { REFRESH_PREFIX, type KeySpace } from '../client/key-space.js';
import { CacheError, ServerError } from '../errors.js';
import type { Command, Reader, Receiver, RedisPort, Reply } from '../redis/port.js';
import { answersWith } from '../redis/reply-error.js';
import { isOk } from '../redis/reply-text.js';
import { lifeArgument } from './life-argument.js';
import { Script } from '../redis/script.js';
import { turnClock } from '../runtime/turn-clock.js';
import { RedisAway } from './redis-away.js';

/** A value as it stands in Redis. */
export interface StoredEntry {
  readonly kind: 'value';
  readonly value: unknown;
  readonly header: EntryHeader;
  /** The whole entry. A view into a larger buffer: not to be kept. */
  readonly bytes: Buffer;
}

/** A value that takes more than this turn of the event loop to be had: see {@link SharedTier.finish}. */
interface UnfinishedEntry {
  readonly kind: 'unfinished';
  /** The whole entry, and its own bytes. */
  readonly bytes: Buffer;
}

/**
 * What a read may find: a value, somebody's lease, nothing, or something that is no entry of ours and only in the way; who
 * asks for a lease may find that somebody has it who left nothing under the key itself (`loading`).
 */
export type Found =
  | StoredEntry
  | UnfinishedEntry
  | { readonly kind: 'lease' }
  | { readonly kind: 'loading' }
  | { readonly kind: 'nothing' }
  | InTheWay;

export interface InTheWay {
  readonly kind: 'unreadable';
  /** That it still stands; undefined where it is no string at all. */
  readonly claim: Claim | undefined;
}

/** What a fill depends on. */
export interface Claim {
  readonly key: string;
  /** The version id that must still stand in the entry's header for the fill to be valid. */
  readonly expects: Buffer;
}

/** The right to load a key, held by this process until it fills or releases it, or until it runs out. */
export interface Lease extends Claim {
  readonly kind: 'held';
  /** Where the marker stands: under the key itself while that is cold, beside it while an entry is refreshed. */
  readonly markerKey: string;
  /** The marker's version id. */
  readonly marker: Buffer;
}

/** One entry to be written. */
export interface Writing {
  readonly redisKey: string;
  readonly entry: Buffer;
  /** Milliseconds, or `Infinity`. */
  readonly keepFor: number;
  /** Whether it is to be kept in memory, if that can be proven. */
  readonly prove: boolean;
}

const NOTHING: Found = Object.freeze({ kind: 'nothing' });
const NO_STRING: InTheWay = Object.freeze({ kind: 'unreadable', claim: undefined });
const A_LEASE: Found = Object.freeze({ kind: 'lease' });
/** As many bytes of an entry as tell whether it is a marker. */
const MARKER_END = '21';
/** Bytes 5 to 12 of an entry, counted from 1 as Lua does, are its version id. */
const VERSION = { start: '4', end: '11' } as const;

/** What became of a fill: `overtaken` is stored, and changed already by somebody else, as far as is known. */
export type Filled = 'refused' | 'overtaken' | 'stands';

/** Stores the entry if the lease still stands: anyone's DEL or SET since then voids it. */
const FILL = new Script(`
local standing = redis.call('GET', KEYS[1])
if not standing or string.sub(standing, 5, 12) ~= ARGV[1] then return 0 end
if ARGV[3] == '' then
  redis.call('SET', KEYS[1], ARGV[2])
else
  redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
end
return 1
`);

/** Ends the lease that stands under the key, if it is this one. */
export const RELEASE = new Script(`
local standing = redis.call('GETRANGE', KEYS[1], 4, 11)
if standing ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
`);

/** Lengthens it. */
export const EXTEND = new Script(`
local standing = redis.call('GETRANGE', KEYS[1], 4, 11)
if standing ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
`);

export interface SharedTierParts {
  readonly port: RedisPort;
  readonly keys: KeySpace;
  readonly serializer: Serializer;
  /** Told of every entry that cannot be read, which is then a miss. */
  readonly onUnreadable: (key: string, reason: string) => void;
}

/** One namespace in Redis, whatever form its values have there. */
export type Tier = Pick<SharedTier, keyof SharedTier>;

/** One namespace in Redis, as the layers above need it. What fails rejects with a `CacheError` but where it says otherwise. */
export class SharedTier {
  readonly #port: RedisPort;
  readonly #prefix: string;
  readonly #serializer: Serializer;
  readonly #onUnreadable: SharedTierParts['onUnreadable'];
  /** When those that are under way began, by the server's clock. */
  readonly #clearing = new Set<{ readonly began: number }>();
  #turn = -1;
  #turnNow = 0;

  constructor(parts: SharedTierParts) {
    this.#port = parts.port;
    this.#prefix = parts.keys.prefix;
    this.#serializer = parts.serializer;
    this.#onUnreadable = parts.onUnreadable;
  }

  /** Whether the server tells of changes to keys that were read, and to no others: what is written must then be read. */
  get tellsChanges(): boolean {
    return this.#port.tracking;
  }

  redisKey(key: string): string {
    return this.#prefix + key;
  }

  /** When an operation that begins now must be settled; see `RedisPort`. */
  deadline(): number {
    return this.#port.deadline();
  }

  /** Server time, never ahead of the server's own. */
  now(): number {
    return this.#port.serverNow();
  }

  /** The same by a clock that is read once a turn: for judging many ages in a row. */
  turnNow(): number {
    const turn = turnClock.now();
    if (turn !== this.#turn) {
      this.#turn = turn;
      this.#turnNow = this.#port.serverNow();
    }
    return this.#turnNow;
  }

  /** Rejects with `RedisAway`, as {@link lease} does: what asks for these can do without Redis. */
  async read(key: string): Promise<Found> {
    try {
      return await this.finish(key, this.decode(key, await this.#port.get(this.redisKey(key))));
    } catch (error) {
      return this.#otherType(key, error);
    }
  }

  /** The read that every answer begins with. What is found is for {@link decode}, and a failure for {@link inTheWay} to look at. */
  readTo(redisKey: string, reader: Reader, slot: number, source: object): void {
    this.#port.readTo(redisKey, reader, slot, source);
  }

  /**
   * Bytes to store. The value is read at once, so that what a caller does to it afterwards does not matter; a promise only
   * where a large one is compressed.
   */
  encode(
    value: unknown,
    fields: ValueFields,
    compression: Compression | undefined,
  ): Buffer | Promise<Buffer> {
    return this.#serializer.encode(value, fields, compression);
  }

  /**
   * Takes the lease of a key with nothing under it, or tells what stands there by now. Where the server tells of changes, the
   * key is read in the same pipeline, so that this connection is told when anyone takes the lease away.
   */
  async lease(key: string, duration: number, deadline: number): Promise<Lease | Found> {
    const redisKey = this.redisKey(key);
    const marker = encodeMarker({ createdAt: this.now(), freshFor: duration });
    const version = Buffer.from(versionOf(marker), 'latin1');
    const taking: Command = {
      key: redisKey,
      args: ['SET', redisKey, marker, 'NX', 'PX', String(duration), 'GET'],
    };
    try {
      const [before, proof] = await this.#provenWrite(redisKey, taking, deadline);
      if (Buffer.isBuffer(before)) return await this.finish(key, this.decode(key, before));
      // Gone again already: somebody invalidated between the two. There is nothing, and no lease.
      if (proof !== undefined && !isSame(proof, version)) return NOTHING;
      return { kind: 'held', key, expects: version, markerKey: redisKey, marker: version };
    } catch (error) {
      return this.#otherType(key, error);
    }
  }

  /**
   * Takes the lease in the place of an entry that nobody may use any more; undefined when it is no longer the one that stands. Beside
   * such an entry a lease would be worth little: Redis soon drops the entry, and whoever then finds nothing takes another.
   */
  async leaseOver(key: string, entry: StoredEntry, duration: number): Promise<Lease | undefined> {
    const markerKey = this.redisKey(key);
    const marker = encodeMarker({ createdAt: this.now(), freshFor: duration });
    if ((await this.fill(this.claimOf(key, entry), marker, duration)) === 'refused') return undefined;
    const version = Buffer.from(versionOf(marker), 'latin1');
    return { kind: 'held', key, expects: version, markerKey, marker: version };
  }

  /** Takes the right to refresh an entry that stands; undefined when somebody else has it. */
  async leaseRefresh(key: string, entry: StoredEntry, duration: number): Promise<Lease | undefined> {
    const markerKey = this.refreshKey(key);
    const marker = encodeMarker({ createdAt: this.now(), freshFor: duration });
    const args = ['SET', markerKey, marker, 'NX', 'PX', String(duration)];
    const reply = await this.#port.send({ key: markerKey, args });
    if (reply === null) return undefined;
    return {
      kind: 'held',
      key,
      expects: this.claimOf(key, entry).expects,
      markerKey,
      marker: Buffer.from(versionOf(marker), 'latin1'),
    };
  }

  /** Reads whether somebody refreshes the key, so that this connection is told when that ends. */
  async isRefreshed(key: string): Promise<boolean> {
    return (await this.#port.get(this.refreshKey(key))) !== null;
  }

  /** `%` followed by anything but 25 or 3A begins no namespace's name, so this is nobody's entry. */
  refreshKey(key: string): string {
    return REFRESH_PREFIX + this.redisKey(key);
  }

  /** What stands beside a key and must be invalidated with it; nothing where the lease stands under the key itself. */
  leaseKey(_redisKey: string): string | undefined {
    return undefined;
  }

  /** That the entry still stands. */
  claimOf(key: string, { bytes }: StoredEntry): Claim {
    return { key, expects: Buffer.from(versionOf(bytes), 'latin1') };
  }

  /**
   * Stores the entry unless the key was touched since the claim. It is read behind that, because the server tells of changes
   * only to those who have read.
   */
  async fill(claim: Claim, entry: Buffer, keepFor: number): Promise<Filled> {
    const redisKey = this.redisKey(claim.key);
    const args = [claim.expects, entry, lifeArgument(keepFor)];
    const deadline = this.#port.deadline();
    if (!this.tellsChanges) {
      return (await FILL.run(this.#port, [redisKey], args, deadline)) === 1 ? 'stands' : 'refused';
    }
    const read = versionCommand(redisKey).args;
    const [filled, proof] = await FILL.runAndRead(this.#port, [redisKey], args, read, deadline);
    if (filled !== 1) return 'refused';
    return !(proof instanceof CacheError) && isProof(proof, entry) ? 'stands' : 'overtaken';
  }

  /** Gives the lease back, so that others may load. */
  async release(lease: Lease): Promise<void> {
    await RELEASE.run(this.#port, [lease.markerKey], [lease.marker], this.#port.deadline());
  }

  /** Whether the lease still stood, and now stands for another `duration`. */
  async extend(lease: Lease, duration: number): Promise<boolean> {
    const args = [lease.marker, String(duration)];
    return (await EXTEND.run(this.#port, [lease.markerKey], args, this.#port.deadline())) === 1;
  }

  /**
   * Writes over whatever stands there, in one pipeline.
   *
   * @returns for each whether it may be kept in memory: whether the entry was still the one there when it was read behind the
   * write. Where nobody tells of changes there is no such proof, and none is asked for. An error where it was not written, or
   * where that is unknown.
   */
  async write(writings: readonly Writing[]): Promise<Array<boolean | CacheError>> {
    const commands: Command[] = [];
    for (const { redisKey, entry, keepFor, prove } of writings) {
      commands.push(setCommand(redisKey, entry, keepFor));
      if (this.#proves(prove)) commands.push(versionCommand(redisKey));
    }
    const replies = await this.#port.sendAll(commands);
    let next = 0;
    return writings.map(({ entry, prove }) => {
      const written = replies[next++];
      const proof = this.#proves(prove) ? replies[next++] : undefined;
      if (written instanceof CacheError) return written;
      if (!isOk(written)) return notWritten();
      // It is written, whatever became of the proof.
      if (proof === undefined) return !this.tellsChanges;
      return !(proof instanceof CacheError) && isProof(proof, entry);
    });
  }

  /** The same for one, without a promise: the reply of the write comes under 0, and that of a proof under 1. */
  writeTo({ redisKey, entry, keepFor, prove }: Writing, receiver: Receiver<Reply>): void {
    this.#port.sendTo(setCommand(redisKey, entry, keepFor), receiver, 0);
    if (this.#proves(prove)) this.#port.sendTo(versionCommand(redisKey), receiver, 1);
  }

  /** For each whether there was a value, in one pipeline. A lease is removed too, and is none. */
  async remove(keys: readonly string[]): Promise<Array<boolean | CacheError>> {
    const commands = keys.flatMap((key): Command[] => {
      const redisKey = this.redisKey(key);
      return [
        { key: redisKey, args: ['GETRANGE', redisKey, '0', MARKER_END] },
        { key: redisKey, args: ['UNLINK', redisKey] },
      ];
    });
    const replies = await this.#port.sendAll(commands);
    return keys.map((_, i) => {
      const head = replies[2 * i];
      const removed = replies[2 * i + 1];
      if (removed instanceof CacheError) return removed;
      // A list or a hash cannot be read so, and is no lease; it was removed all the same.
      if (head instanceof CacheError && !answersWith(head, 'WRONGTYPE')) return head;
      return removed === 1 && !(Buffer.isBuffer(head) && isMarker(head));
    });
  }

  /** Removes all keys of the namespace from all servers. @throws CacheError; InvalidOptionError for bare keys. */
  async clear(): Promise<void> {
    // Until it is done, whoever reads here may come upon an entry that is still to be removed.
    const clearing = { began: this.now() };
    this.#clearing.add(clearing);
    try {
      await clearNamespace(this.#port, this.#prefix);
    } finally {
      this.#clearing.delete(clearing);
    }
  }

  /** Whether an entry is of before a `clear` that is under way. */
  isCleared(createdAt: number): boolean {
    if (this.#clearing.size === 0) return false;
    for (const { began } of this.#clearing) if (createdAt <= began) return true;
    return false;
  }

  /** What the bytes under a key are. Alone of all answers, this may be unfinished. */
  decode(key: string, bytes: Buffer | null): Found {
    if (bytes === null) return NOTHING;
    const decoded = this.#serializer.decode(bytes);
    if (!decoded.ok && decoded.reason === 'unfinished')
      return { kind: 'unfinished', bytes: Buffer.from(bytes) };
    return this.#foundIn(key, bytes, decoded);
  }

  /** What was begun by {@link decode}. */
  async finish(key: string, found: Found): Promise<Found> {
    if (found.kind !== 'unfinished') return found;
    return this.#foundIn(key, found.bytes, await this.#serializer.finish(found.bytes));
  }

  /** A list or a hash under the key is somebody else's, and no failure of Redis. */
  inTheWay(key: string, error: unknown): Found | undefined {
    if (!answersWith(error, 'WRONGTYPE')) return undefined;
    this.#onUnreadable(key, 'not-ours');
    return NO_STRING;
  }

  #proves(wanted: boolean): boolean {
    return wanted && this.tellsChanges;
  }

  #foundIn(key: string, bytes: Buffer, decoded: DecodedValue | Unreadable): Found {
    if (decoded.ok) {
      return { kind: 'value', value: decoded.value, header: decoded.header, bytes };
    }
    if (decoded.reason === 'marker') return A_LEASE;
    this.#onUnreadable(key, decoded.reason);
    // What would be the version id if it were an entry.
    return { kind: 'unreadable', claim: { key, expects: Buffer.from(bytes.subarray(4, 12)) } };
  }

  #otherType(key: string, error: unknown): Found {
    const found = this.inTheWay(key, error);
    if (found) return found;
    throw error instanceof CacheError ? new RedisAway(error) : error;
  }

  /** The write, and behind it a read that tells whose entry stands there; undefined where nobody tells of changes anyway. */
  async #provenWrite(
    redisKey: string,
    write: Command,
    deadline?: number,
  ): Promise<[Reply, Reply | undefined]> {
    if (!this.tellsChanges) return [await this.#port.send(write, deadline), undefined];
    const [written, proof] = await this.#all([write, versionCommand(redisKey)], deadline);
    return [written, proof];
  }

  async #all(commands: readonly Command[], deadline?: number): Promise<Reply[]> {
    const replies = await this.#port.sendAll(commands, deadline);
    return replies.map((reply) => {
      if (reply instanceof CacheError) throw reply;
      return reply;
    });
  }
}

function setCommand(redisKey: string, entry: Buffer, keepFor: number): Command {
  return {
    key: redisKey,
    args: keepFor === Infinity ? ['SET', redisKey, entry] : ['SET', redisKey, entry, 'PX', String(keepFor)],
  };
}

function versionCommand(redisKey: string): Command {
  return { key: redisKey, args: ['GETRANGE', redisKey, VERSION.start, VERSION.end] };
}

function isSame(reply: Reply | undefined, bytes: Buffer): boolean {
  return Buffer.isBuffer(reply) && reply.equals(bytes);
}

export function notWritten(): CacheError {
  return new ServerError('Redis answered a SET with something else than OK');
}

/** Whether the version that was read behind the write is that of the entry. */
export function isProof(reply: Reply | undefined, entry: Buffer): boolean {
  return isSame(reply, Buffer.from(versionOf(entry), 'latin1'));
}
