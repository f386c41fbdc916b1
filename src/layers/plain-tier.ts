import { createHash } from 'node:crypto';
import { clearNamespace } from '../client/clear-namespace.js';
import type { KeySpace } from '../client/key-space.js';
import { keyOfLease, leaseKeyOf, leasePrefixes } from '../client/lease-key.js';
import { encodeMarker, versionOf } from '../codec/entry.js';
import type { PlainSerializer } from '../codec/plain.js';
import type { ValueFields } from '../codec/serializer.js';
import { CacheError, ServerError } from '../errors.js';
import type { Command, CommandArgument, Reader, Receiver, RedisPort, Reply } from '../redis/port.js';
import { Script } from '../redis/script.js';
import {
  EXTEND,
  RELEASE,
  type Claim,
  type Filled,
  type Found,
  type Lease,
  type StoredEntry,
  type Tier,
  type Writing,
} from './shared-tier.js';
import { answersWith } from '../redis/reply-error.js';
import { lifeArgument } from './life-argument.js';
import { RedisAway } from './redis-away.js';

const STORE = `
local function store(value, life)
  if life == '' then redis.call('SET', KEYS[1], value) else redis.call('SET', KEYS[1], value, 'PX', life) end
end
`;

/** Under a lease: while it stands, and nobody has put a value there. */
const FILL = new Script(`
${STORE}
if redis.call('GETRANGE', KEYS[2], 4, 11) ~= ARGV[1] or redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
store(ARGV[2], ARGV[3])
redis.call('DEL', KEYS[2])
return 1
`);

/** In the place of a value that was read: while that stands there. */
const REPLACE = new Script(`
${STORE}
local standing = redis.call('GET', KEYS[1])
if not standing or redis.sha1hex(standing) ~= ARGV[1] then return 0 end
store(ARGV[2], ARGV[3])
return 1
`);

const WRITE = new Script(`
${STORE}
redis.call('DEL', KEYS[2])
store(ARGV[1], ARGV[2])
return 1
`);

const NOTHING: Found = Object.freeze({ kind: 'nothing' });
const NO_STRING: Found = Object.freeze({ kind: 'unreadable', claim: undefined });
const SOMEBODY_LOADS: Found = Object.freeze({ kind: 'loading' });

export interface PlainTierParts {
  readonly port: RedisPort;
  readonly keys: KeySpace;
  readonly serializer: PlainSerializer;
  /** Told of every value that cannot be read, which is then a miss. */
  readonly onUnreadable: (key: string, reason: string) => void;
}

/**
 * One namespace in Redis whose values are bare JSON text, as other programs read and write it: see docs/guides/plain.md.
 *
 * Under the key there is room for a value only, so the lease is a key of its own, in the same slot of a Cluster. A fill is
 * valid while the lease stands and there is no value; whoever invalidates by way of this package removes both. One who knows
 * nothing of leases removes the value alone, and where there is none yet, that cannot be noticed: this is what P2 is worth
 * here. A value has no version id either: it stands for as long as its bytes do.
 */
export class PlainTier implements Tier {
  readonly #port: RedisPort;
  readonly #prefix: string;
  readonly #serializer: PlainSerializer;
  readonly #onUnreadable: PlainTierParts['onUnreadable'];

  constructor(parts: PlainTierParts) {
    this.#port = parts.port;
    this.#prefix = parts.keys.prefix;
    this.#serializer = parts.serializer;
    this.#onUnreadable = parts.onUnreadable;
  }

  get tellsChanges(): boolean {
    return this.#port.tracking;
  }

  /** @throws InvalidKeyError for a key that cannot have its lease beside it. */
  redisKey(key: string): string {
    const redisKey = this.#prefix + key;
    // Keys of leases are asked for again and again; of this one it is to be known before anything is begun.
    if (key.includes('}')) leaseKeyOf(redisKey);
    return redisKey;
  }

  deadline(): number {
    return this.#port.deadline();
  }

  now(): number {
    return this.#port.serverNow();
  }

  turnNow(): number {
    return this.#port.serverNow();
  }

  async read(key: string): Promise<Found> {
    try {
      return this.decode(key, await this.#port.get(this.redisKey(key)));
    } catch (error) {
      return this.#otherType(key, error);
    }
  }

  readTo(redisKey: string, reader: Reader, slot: number, source: object): void {
    this.#port.readTo(redisKey, reader, slot, source);
  }

  encode(value: unknown, fields: ValueFields): Buffer {
    return this.#serializer.encode(value, fields);
  }

  /**
   * The key is read behind the lease: whoever had that before may have stored a value meanwhile. So is the lease: the server
   * tells of its end only to those who have read it, and who invalidates the key ends it.
   */
  async lease(key: string, duration: number, deadline: number): Promise<Lease | Found> {
    const redisKey = this.redisKey(key);
    const markerKey = leaseKeyOf(redisKey);
    const marker = encodeMarker({ createdAt: this.now(), freshFor: duration });
    const version = Buffer.from(versionOf(marker), 'latin1');
    const lease: Lease = { kind: 'held', key, expects: version, markerKey, marker: version };
    try {
      const replies = await this.#port.sendAll(
        [
          { key: markerKey, args: ['SET', markerKey, marker, 'NX', 'PX', String(duration), 'GET'] },
          { key: markerKey, args: ['GETRANGE', markerKey, '4', '11'] },
          { key: redisKey, args: ['GET', redisKey] },
        ],
        deadline,
      );
      for (const reply of replies) if (reply instanceof CacheError) throw reply;
      const [before, proof, standing] = replies;
      if (Buffer.isBuffer(before)) return SOMEBODY_LOADS;
      // Gone again already: somebody invalidated between the two. There is nothing, and no lease.
      if (!Buffer.isBuffer(proof) || !proof.equals(version)) return NOTHING;
      if (!Buffer.isBuffer(standing)) return lease;
      await this.release(lease);
      return this.decode(key, standing);
    } catch (error) {
      return this.#otherType(key, error);
    }
  }

  /** A value is never stale, so that there is nothing to be refreshed. */
  leaseRefresh(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  /** Nor ever of no use as long as Redis has it. */
  leaseOver(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  /** Whether somebody loads. */
  async isRefreshed(key: string): Promise<boolean> {
    return (await this.#port.get(this.refreshKey(key))) !== null;
  }

  refreshKey(key: string): string {
    return leaseKeyOf(this.redisKey(key));
  }

  leaseKey(redisKey: string): string | undefined {
    return keyOfLease(redisKey) === undefined ? leaseKeyOf(redisKey) : undefined;
  }

  claimOf(key: string, { bytes }: StoredEntry): Claim {
    return { key, expects: digestOf(bytes) };
  }

  async fill(claim: Claim, entry: Buffer, keepFor: number): Promise<Filled> {
    const redisKey = this.redisKey(claim.key);
    const args = [claim.expects, entry, lifeArgument(keepFor)];
    return 'marker' in claim
      ? this.#store(FILL, [redisKey, leaseKeyOf(redisKey)], args, entry)
      : this.#store(REPLACE, [redisKey], args, entry);
  }

  async release(lease: Lease): Promise<void> {
    await RELEASE.run(this.#port, [lease.markerKey], [lease.marker], this.deadline());
  }

  async extend(lease: Lease, duration: number): Promise<boolean> {
    const args = [lease.marker, String(duration)];
    return (await EXTEND.run(this.#port, [lease.markerKey], args, this.deadline())) === 1;
  }

  /** Each value is read behind the write: it may be kept where it still stands then. */
  write(writings: readonly Writing[]): Promise<Array<boolean | CacheError>> {
    return Promise.all(writings.map((writing) => this.#write(writing).catch(asCacheError)));
  }

  writeTo(writing: Writing, receiver: Receiver<Reply>): void {
    const proves = writing.prove && this.tellsChanges;
    this.#write(writing).then(
      (stands) => {
        receiver.received('OK', 0);
        if (proves) receiver.received(stands ? writing.entry.subarray(4, 12) : null, 1);
      },
      (error: unknown) => {
        receiver.failed(asCacheError(error), 0);
        if (proves) receiver.failed(asCacheError(error), 1);
      },
    );
  }

  /** @returns whether it may be kept. */
  async #write({ redisKey, entry, keepFor, prove }: Writing): Promise<boolean> {
    const keys = [redisKey, leaseKeyOf(redisKey)] as const;
    const filled = await this.#store(WRITE, keys, [entry, lifeArgument(keepFor)], entry, prove);
    if (filled === 'refused') throw new ServerError('Redis did not say that it has the value');
    return filled === 'stands';
  }

  /** Where the server tells of changes, it tells those who have read: so the value is read behind that. */
  async #store(
    script: Script,
    keys: readonly [string, ...string[]],
    args: readonly CommandArgument[],
    value: Buffer,
    prove = true,
  ): Promise<Filled> {
    if (!prove || !this.tellsChanges) {
      return (await script.run(this.#port, keys, args, this.deadline())) === 1 ? 'stands' : 'refused';
    }
    const read = ['GET', keys[0]];
    const [stored, standing] = await script.runAndRead(this.#port, keys, args, read, this.deadline());
    if (stored !== 1) return 'refused';
    return Buffer.isBuffer(standing) && standing.equals(value) ? 'stands' : 'overtaken';
  }

  async remove(keys: readonly string[]): Promise<Array<boolean | CacheError>> {
    const commands = keys.flatMap((key): Command[] => {
      const redisKey = this.redisKey(key);
      const markerKey = leaseKeyOf(redisKey);
      // The lease first: a load that stores in between must not find it.
      return [
        { key: markerKey, args: ['UNLINK', markerKey] },
        { key: redisKey, args: ['UNLINK', redisKey] },
      ];
    });
    const replies = await this.#port.sendAll(commands);
    return keys.map((_, i) => {
      const [lease, removed] = [replies[2 * i], replies[2 * i + 1]];
      if (lease instanceof CacheError) return lease;
      return removed instanceof CacheError ? removed : removed === 1;
    });
  }

  /** Leases first: what is being loaded is of before this, and must find none of its own when the rest is gone. */
  async clear(): Promise<void> {
    // Bare keys are refused, and their leases must not be gone by then.
    const leases = this.#prefix === '' ? [] : leasePrefixes(this.#prefix);
    for (const prefix of [...leases, this.#prefix]) await clearNamespace(this.#port, prefix);
  }

  /** A bare value does not tell when it was made. */
  isCleared(_createdAt: number): boolean {
    return false;
  }

  decode(key: string, bytes: Buffer | null): Found {
    if (bytes === null) return NOTHING;
    const decoded = this.#serializer.decode(bytes);
    if (decoded.ok) return { kind: 'value', value: decoded.value, header: decoded.header, bytes };
    this.#onUnreadable(key, decoded.reason);
    return { kind: 'unreadable', claim: { key, expects: digestOf(bytes) } };
  }

  finish(_key: string, found: Found): Promise<Found> {
    return Promise.resolve(found);
  }

  inTheWay(key: string, error: unknown): Found | undefined {
    if (!answersWith(error, 'WRONGTYPE')) return undefined;
    this.#onUnreadable(key, 'not-ours');
    return NO_STRING;
  }

  #otherType(key: string, error: unknown): Found {
    const found = this.inTheWay(key, error);
    if (found) return found;
    throw error instanceof CacheError ? new RedisAway(error) : error;
  }
}

function digestOf(bytes: Buffer): Buffer {
  return Buffer.from(createHash('sha1').update(bytes).digest('hex'));
}

/** What is thrown below and is not ours is a mistake in this package: it must surface as it is. */
function asCacheError(error: unknown): CacheError {
  if (error instanceof CacheError) return error;
  throw error;
}
