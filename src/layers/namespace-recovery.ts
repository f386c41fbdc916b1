import { clearNamespace } from '../client/clear-namespace.js';
import { BulkError } from '../errors.js';
import type { KeyPart, RedisPort } from '../redis/port.js';
import { RecentKeys } from '../recovery/recent-keys.js';
import { RecoveryLog } from '../recovery/recovery-log.js';
import type { Recoverable, Recovery } from '../recovery/recovery.js';
import type { TagTable } from './tag-table.js';

/** Milliseconds for which it is remembered that all keys were removed: as long as single keys at most. */
const RECENT = 10_000;

export interface NamespaceRecoveryParts {
  readonly port: RedisPort;
  readonly tags: TagTable;
  /** What the namespace's keys in Redis begin with. */
  readonly prefix: string;
  readonly recovery: Recovery;
  /** What must go with a key, where something must. */
  readonly beside?: (redisKey: string) => string | undefined;
  /** What those begin with. */
  readonly besidePrefixes?: readonly string[];
}

/**
 * The invalidations of one namespace that could not reach Redis: of keys, and of tags. Where keys are divided over shards,
 * each has a log of its own, so that too many of one that is away make only its own keys wait.
 *
 * A replica that takes over from a primary may lack what that has confirmed: what was in the air when it died, and, where the
 * failover was asked for while it worked, up to a second of all it was told meanwhile. An old value whose invalidation is
 * lost would stay for as long as it lives. So where servers fail over, the latest invalidations are remembered and told to the
 * new primary again: those of the last five to ten seconds, for as long as this process lives.
 */
export class NamespaceRecovery implements Recoverable {
  readonly #port: RedisPort;
  readonly #tags: TagTable;
  readonly #recovery: Recovery;
  readonly #beside: NamespaceRecoveryParts['beside'];
  readonly #prefixes: readonly string[];
  /** Those with something in them. Nearly always there are none, and every read asks. */
  readonly #logs = new Map<RedisPort, RecoveryLog>();
  #heldTags: string[] = [];
  #clearedAt = -Infinity;
  readonly #recentKeys: RecentKeys | undefined;
  readonly #recentTags: RecentKeys | undefined;

  constructor({ port, tags, prefix, recovery, beside, besidePrefixes = [] }: NamespaceRecoveryParts) {
    this.#port = port;
    this.#tags = tags;
    // Leases before values: a load that stores in between must not find its own.
    this.#prefixes = [...besidePrefixes, prefix];
    this.#beside = beside;
    this.#recovery = recovery;
    this.#recentKeys = port.failsOver ? new RecentKeys() : undefined;
    this.#recentTags = port.failsOver ? new RecentKeys() : undefined;
    recovery.add(this);
  }

  /** What Redis holds under the key is not to be believed until it was told. */
  add(redisKey: string): void {
    this.#keep(redisKey);
    this.#recovery.start();
  }

  /** The same of all keys of the namespace. */
  addAll(): void {
    this.#keepAll();
    this.#recovery.start();
  }

  /** No entry with one of these tags is valid here until Redis was told. */
  addTags(tags: readonly string[]): void {
    for (const tag of tags) this.#tags.hold(tag);
    this.#heldTags.push(...tags);
    this.#recovery.start();
  }

  /** The key is being written or removed. */
  remember(redisKey: string): void {
    this.#recentKeys?.add(redisKey);
  }

  /** All keys are being removed. */
  rememberAll(): void {
    this.#clearedAt = performance.now();
  }

  /** The tags are being invalidated. */
  rememberTags(tags: readonly string[]): void {
    for (const tag of tags) this.#recentTags?.add(tag);
  }

  recall(part?: KeyPart): void {
    if (this.#recentKeys && performance.now() - this.#clearedAt < RECENT) this.#keepAll();
    for (const redisKey of this.#recentKeys?.all ?? []) {
      if (!part || part.has(redisKey)) this.#keep(redisKey);
    }
    // Of the tags all, since the floor may be among what was lost.
    const tags = [...(this.#recentTags?.all ?? [])];
    for (const tag of tags) this.#tags.hold(tag);
    this.#heldTags.push(...tags);
  }

  isPending(redisKey: string): boolean {
    return this.#logs.size > 0 && (this.#logs.get(this.#shardOf(redisKey))?.isPending(redisKey) ?? false);
  }

  /** How many keys and tags are kept; of keys there may be more than are counted once there were too many. */
  get backlog(): number {
    let keys = 0;
    for (const log of this.#logs.values()) keys += log.size;
    return keys + this.#heldTags.length;
  }

  get pending(): boolean {
    return this.#logs.size > 0 || this.#heldTags.length > 0;
  }

  /** All side by side: what is to be told to one server must not wait for another. */
  async replay(): Promise<boolean> {
    const replays = [...this.#logs].map(([shard, log]) => this.#replayKeys(shard, log));
    const outcomes = await Promise.allSettled([this.#replayTags(), ...replays]);
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
    return !this.pending;
  }

  #keep(redisKey: string): void {
    this.#keepOne(redisKey);
    const beside = this.#beside?.(redisKey);
    if (beside !== undefined) this.#keepOne(beside);
  }

  #keepOne(redisKey: string): void {
    this.#logOf(this.#shardOf(redisKey)).add(redisKey);
  }

  #keepAll(): void {
    const shards = this.#port.shardOf ? this.#port.servers : [this.#port];
    for (const shard of shards) this.#logOf(shard).addAll();
  }

  #logOf(shard: RedisPort): RecoveryLog {
    let log = this.#logs.get(shard);
    if (!log) this.#logs.set(shard, (log = new RecoveryLog({ serverNow: () => this.#port.serverNow() })));
    return log;
  }

  async #replayKeys(shard: RedisPort, log: RecoveryLog): Promise<void> {
    if (shard.state !== 'ready' && shard.state !== 'degraded') return;
    await log.replay(shard, async () => {
      for (const prefix of this.#prefixes) await clearNamespace(shard, prefix);
    });
    if (log.empty) this.#logs.delete(shard);
  }

  async #replayTags(): Promise<void> {
    // A copy: those that come meanwhile are not told by this, and must be told apart.
    const held = [...this.#heldTags];
    if (held.length === 0) return;
    let failed: readonly string[] = [];
    let failure: unknown;
    try {
      await this.#tags.invalidate([...new Set(held)]);
    } catch (error) {
      failed = error instanceof BulkError ? [...error.failures.keys()] : held;
      failure = error;
    }
    for (const tag of held) this.#tags.release(tag);
    // Invalidated once more meanwhile: that one was not told yet.
    this.#heldTags = [...failed, ...this.#heldTags.slice(held.length)];
    for (const tag of this.#heldTags) this.#tags.hold(tag);
    if (failure !== undefined) throw failure;
  }

  #shardOf(redisKey: string): RedisPort {
    return this.#port.shardOf?.(redisKey) ?? this.#port;
  }
}
