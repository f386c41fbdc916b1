import type { KeySpace } from '../../client/key-space.js';
import type { Serializer } from '../../codec/serializer.js';
import { ClosedError, DecodeError } from '../../errors.js';
import type { RedisPort } from '../../redis/port.js';
import { backoff } from '../../resilience/backoff.js';
import { runInBackground } from '../../runtime/background.js';
import { delay } from '../../runtime/delay.js';
import type { Logger } from '../../runtime/logger.js';
import type { ResourceId } from '../resource-id.js';
import { DeadLetters } from './dead-letters.js';
import { Drainer } from './drainer.js';
import { durabilityFindings } from './durability.js';
import { partitionKeys, partitionOf } from './partition-keys.js';
import { Partition } from './partition.js';
import type { PendingWrite } from './pending-write.js';
import type { SaveBatch } from './store.js';
import type { WriteBehindSettings } from './write-behind-options.js';

/** How much one queue has before it. */
export interface WriteBacklog {
  /** Acknowledged, and not in the database yet as far as is known; the failing ones among them. */
  readonly pending: number;
  /** Refused by the database so far, and to be tried again. */
  readonly failing: number;
  /** Given up; see `deadLetters`. */
  readonly dead: number;
  /** Milliseconds since the oldest that is not failing was acknowledged; 0 where there is none. */
  readonly oldestAge: number;
}

export interface WriteQueueParts<T> {
  readonly port: RedisPort;
  readonly keys: KeySpace;
  /** The queue's name within its namespace: the resource's. */
  readonly name: string;
  readonly serializer: Serializer;
  readonly settings: WriteBehindSettings;
  readonly save: SaveBatch<T>;
  readonly logger: Logger;
  /** Redis holds a write. */
  readonly onAcknowledged?: () => void;
  /** The database refused a write, which is tried again. */
  readonly onRefused?: () => void;
  /** So many writes reached the database. */
  readonly onApplied: (count: number) => void;
  /** A write was given up: what was read of it is not in the database and will not be. */
  readonly onDead: (id: ResourceId, error: Error) => void;
}

/** Between two looks of `flush`. */
const FLUSH_POLL = 20;

/**
 * Write-behind: a write is acknowledged when Redis holds it, and reaches the database later, with others.
 *
 * What it guarantees:
 * - When this process dies at any point: every acknowledged write is in Redis. Another process that has the same resource takes
 *   over when the lease runs out, or this one when it is started again. A write may reach the database more than once.
 * - When the database refuses: a write is tried again with growing pauses, and ends among the dead letters after `maxAttempts`.
 *   The others go on meanwhile.
 * - When Redis is away: a write is refused, with the error; none is acknowledged that Redis does not hold. What Redis itself
 *   loses when it dies depends on its append-only file; see `durabilityFindings`.
 * - The writes of one id reach the database in the order in which they were acknowledged; those that were replaced by a newer
 *   one before their turn do not reach it at all.
 */
export class WriteQueue<T = unknown> {
  readonly deadLetters: DeadLetters<T>;
  readonly #parts: WriteQueueParts<T>;
  readonly #partitions: readonly Partition[];
  readonly #drainers: ReadonlyArray<Drainer<T>>;
  #closing: Promise<number> | undefined;

  constructor(parts: WriteQueueParts<T>) {
    this.#parts = parts;
    const { settings, name, logger } = parts;
    const wait = backoff({ base: settings.retryDelay.min, cap: settings.retryDelay.max, jitter: 'equal' });
    this.#partitions = Array.from(
      { length: settings.partitions },
      (_, index) => new Partition(parts.port, partitionKeys(parts.keys, name, index)),
    );
    const decode = (write: PendingWrite): T | undefined => this.#decode(write);
    this.#drainers = this.#partitions.map(
      (partition) =>
        new Drainer<T>({
          partition,
          decode,
          save: parts.save,
          settings: { ...settings, backoff: wait },
          events: {
            applied: parts.onApplied,
            refused: ({ id, attempts }, error) => {
              parts.onRefused?.();
              logger.warn(`${name}: the database refused a write, which is tried again`, {
                id,
                attempt: attempts + 1,
                error,
              });
            },
            died: ({ id }, error) => {
              logger.error(`${name}: the database kept refusing a write, which is now a dead letter`, {
                id,
                error,
              });
              parts.onDead(id, error);
            },
            failed: (error) => logger.debug(`${name}: pending writes could not be looked at`, { error }),
          },
        }),
    );
    this.deadLetters = new DeadLetters(this.#partitions, decode, (index) => this.#drainers[index]?.wake());
    for (const drainer of this.#drainers) drainer.start();
    runInBackground(
      () => this.#checkDurability(),
      (error) => logger.debug('the durability of Redis could not be checked', { error }),
    );
  }

  /**
   * Resolves when Redis holds the write.
   *
   * @param value - undefined to remove.
   * @returns its sequence number.
   * @throws OverloadedError when as many wait, or wait for as long, as may; ConnectionError and other errors of Redis, of which
   * `DeadlineError` and a `ConnectionError` that was `sent` leave it open whether the write was acknowledged.
   */
  async write(id: ResourceId, value: T | undefined): Promise<number> {
    if (this.#closing)
      throw new ClosedError('save: the cache was closed', { operation: 'save', key: String(id) });
    const { serializer, port, settings } = this.#parts;
    const entry = value === undefined ? undefined : serializer.encode(value, { createdAt: port.serverNow() });
    const index = partitionOf(id, this.#partitions.length);
    const bounds = {
      maxPending: Math.ceil(settings.maxPending / settings.partitions),
      maxAge: settings.maxAge,
    };
    const sequence = await (this.#partitions[index] as Partition).enqueue(id, entry, bounds);
    this.#parts.onAcknowledged?.();
    this.#drainers[index]?.wake();
    return sequence;
  }

  /** The newest write of the id that the database may not have; its value is undefined where it is a removal. */
  async pending(id: ResourceId): Promise<{ readonly value: T | undefined } | undefined> {
    const partition = this.#partitions[partitionOf(id, this.#partitions.length)] as Partition;
    const write = await partition.pending(id);
    return write && { value: this.#decode(write) };
  }

  /**
   * Resolves when all that was acknowledged before is in the database or among the dead letters.
   *
   * @param timeout - milliseconds.
   * @returns how many are left when the time is up; 0 when all is done.
   */
  async flush(timeout: number): Promise<number> {
    const until = performance.now() + timeout;
    for (const drainer of this.#drainers) drainer.wake();
    const acknowledged = await Promise.all(
      this.#partitions.map(async (partition) => (await partition.backlog()).now),
    );
    for (;;) {
      const backlogs = await Promise.all(
        this.#partitions.map((partition, i) => partition.backlog(acknowledged[i])),
      );
      const left = backlogs.reduce((sum, { remaining }) => sum + remaining, 0);
      if (left === 0 || performance.now() >= until) return left;
      await delay(FLUSH_POLL).passed;
    }
  }

  async backlog(): Promise<WriteBacklog> {
    const all = await Promise.all(this.#partitions.map((partition) => partition.backlog()));
    const sum = (of: 'pending' | 'failing' | 'dead'): number =>
      all.reduce((total, each) => total + each[of], 0);
    return {
      pending: sum('pending'),
      failing: sum('failing'),
      dead: sum('dead'),
      oldestAge: Math.max(0, ...all.map(({ oldestAge }) => oldestAge ?? 0)),
    };
  }

  /**
   * Takes no more writes, brings those that wait to the database for as long as it may, and gives the rest to the other
   * processes. Nothing is lost by what is left: it is in Redis.
   *
   * @returns how many are left; NaN where Redis cannot say.
   */
  close(): Promise<number> {
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<number> {
    const { settings, logger, name } = this.#parts;
    const began = performance.now();
    const left = await this.flush(settings.closeTimeout).catch((error: unknown) => {
      logger.warn(`${name}: how many writes wait could not be asked`, { error });
      return Number.NaN;
    });
    const grace = Math.max(0, settings.closeTimeout - (performance.now() - began));
    await Promise.all(this.#drainers.map((drainer) => drainer.stop(grace)));
    if (left > 0) logger.warn(`${name}: ${left} writes wait in Redis for the database`, { left });
    return left;
  }

  #decode(write: PendingWrite): T | undefined {
    if (write.entry === undefined) return undefined;
    const decoded = this.#parts.serializer.decode(write.entry);
    if (decoded.ok) return decoded.value as T;
    throw new DecodeError(`a pending write cannot be read: ${decoded.reason}`, { key: write.field });
  }

  async #checkDurability(): Promise<void> {
    await this.#parts.port.connect();
    for (const finding of await durabilityFindings(this.#parts.port)) {
      this.#parts.logger.warn(`${this.#parts.name}: ${finding}`);
    }
  }
}
