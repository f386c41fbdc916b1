import { randomBytes } from 'node:crypto';
import type { Backoff } from '../../resilience/backoff.js';
import type { Partition, Settlement } from './partition.js';
import type { PendingWrite } from './pending-write.js';
import { saveAll, type SaveBatch } from './store.js';

export interface DrainerSettings {
  /** Writes in one call of the store. */
  readonly batchSize: number;
  /** Milliseconds after which another process takes over from one that gives no sign of life. */
  readonly lease: number;
  /** Milliseconds between looks at a partition that is ours and empty. */
  readonly pollInterval: number;
  /** Tries before a write becomes a dead letter. */
  readonly maxAttempts: number;
  /** Milliseconds after which a call of the store is told to stop and counts as failed. */
  readonly saveTimeout: number;
  readonly backoff: Backoff;
}

export interface DrainerEvents {
  /** So many writes are in the database. */
  applied(count: number): void;
  /** The database refused the write, which is tried again. */
  refused(write: PendingWrite, error: Error): void;
  /** The database refused the write once too often. */
  died(write: PendingWrite, error: Error): void;
  /** Redis could not be asked; it is asked again. */
  failed(error: unknown): void;
}

/** An empty partition is given back after so many looks, so that others may have it. */
const LOOKS_BEFORE_RELEASE = 20;

/**
 * Brings one partition's writes to the database while this process owns it, one batch at a time and the oldest first. That one
 * process at a time does so is what keeps the order of an id's writes: a batch has each id once, with its newest value, and the
 * next batch goes when this one has ended.
 *
 * The lease is extended for as long as the process lives, however long the store takes. A process that is stopped for longer
 * than its lease, in the middle of a call of the store, may complete that call late, after another process has written newer
 * values: only the database can refuse that, by the sequence number.
 */
export class Drainer<T> {
  readonly #partition: Partition;
  readonly #decode: (write: PendingWrite) => T | undefined;
  readonly #save: SaveBatch<T>;
  readonly #settings: DrainerSettings;
  readonly #events: DrainerEvents;
  readonly #token = randomBytes(12).toString('hex');
  readonly #stopping = new AbortController();
  #owned = false;
  #wake: (() => void) | undefined;
  #woken = false;
  #running: Promise<void> | undefined;
  #stopped = false;

  constructor(parts: {
    readonly partition: Partition;
    readonly decode: (write: PendingWrite) => T | undefined;
    readonly save: SaveBatch<T>;
    readonly settings: DrainerSettings;
    readonly events: DrainerEvents;
  }) {
    this.#partition = parts.partition;
    this.#decode = parts.decode;
    this.#save = parts.save;
    this.#settings = parts.settings;
    this.#events = parts.events;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** There is work that it may not know of. */
  wake(): void {
    this.#woken = true;
    this.#wake?.();
  }

  /** Ends after the batch under way, whose store is told to stop after `grace` milliseconds; gives the partition back. */
  async stop(grace: number): Promise<void> {
    const timer = setTimeout(() => this.#stopping.abort(new Error('the cache is being closed')), grace);
    this.#stopped = true;
    this.#wake?.();
    await this.#running;
    clearTimeout(timer);
  }

  async #run(): Promise<void> {
    let looks = 0;
    for (let failures = 0; !this.#stopped;) {
      try {
        this.#woken = false;
        this.#owned ||= await this.#partition.acquire(this.#token, this.#settings.lease);
        if (!this.#owned) {
          // Somebody else has it, or there is nothing to do; who dies is found out within a third of the lease.
          await this.#pause(this.#settings.lease / 3);
          continue;
        }
        const found = await this.#step();
        failures = 0;
        looks = found ? 0 : looks + 1;
        if (looks > LOOKS_BEFORE_RELEASE) {
          looks = 0;
          await this.#release();
        }
      } catch (error) {
        this.#events.failed(error);
        await this.#pause(this.#settings.backoff(failures++));
      }
    }
    await this.#release().catch((error: unknown) => this.#events.failed(error));
  }

  /** One batch. @returns whether there was anything. */
  async #step(): Promise<boolean> {
    const { batchSize, lease, pollInterval } = this.#settings;
    const taken = await this.#partition.take(this.#token, lease, batchSize);
    if (!taken) {
      this.#owned = false;
      return true;
    }
    if (taken.writes.length === 0) {
      await this.#pause(Math.min(pollInterval, taken.nextDue ?? Infinity));
      return taken.nextDue !== undefined;
    }
    await this.#apply(taken.writes);
    return true;
  }

  async #apply(writes: readonly PendingWrite[]): Promise<void> {
    const errors = new Map<PendingWrite, Error>();
    const readable: Array<{ write: PendingWrite; value: T | undefined }> = [];
    for (const write of writes) {
      try {
        readable.push({ write, value: this.#decode(write) });
      } catch (error) {
        // Bytes of a codec that this process does not have. Another may, so it is no dead letter at once.
        errors.set(write, asError(error));
      }
    }
    const refusals = readable.length === 0 ? [] : await this.#saveKeepingLease(readable);
    for (const [i, { write }] of readable.entries()) {
      const refusal = refusals[i];
      if (refusal) errors.set(write, refusal);
    }
    const outcomes = writes.map((write): readonly [PendingWrite, Settlement] => {
      const error = errors.get(write);
      return [write, error ? this.#failure(write, error) : { verdict: 'done' }];
    });
    await this.#settle(outcomes);
    for (const [write, { verdict }] of outcomes) {
      const error = errors.get(write);
      if (!error) continue;
      if (verdict === 'dead') this.#events.died(write, error);
      else this.#events.refused(write, error);
    }
    if (writes.length > errors.size) this.#events.applied(writes.length - errors.size);
  }

  /** What is in the database and not said to be would be written again: harmless, and wasteful. So this is tried for a while. */
  async #settle(outcomes: ReadonlyArray<readonly [PendingWrite, Settlement]>): Promise<void> {
    for (let attempt = 0; ; attempt++) {
      try {
        await this.#partition.settle(outcomes);
        return;
      } catch (error) {
        if (this.#stopped || attempt >= 5) throw error;
        this.#events.failed(error);
        await this.#pause(this.#settings.backoff(attempt));
      }
    }
  }

  async #saveKeepingLease(
    readable: ReadonlyArray<{ write: PendingWrite; value: T | undefined }>,
  ): Promise<Array<Error | undefined>> {
    const { lease, saveTimeout } = this.#settings;
    const extending = setInterval(() => {
      this.#partition.extend(this.#token, lease).catch((error: unknown) => this.#events.failed(error));
    }, lease / 3);
    const limit = AbortSignal.any([this.#stopping.signal, AbortSignal.timeout(saveTimeout)]);
    const saving = saveAll(
      this.#save,
      readable.map(({ write: { id, sequence, attempts }, value }) => ({
        id,
        value,
        sequence,
        attempt: attempts + 1,
      })),
      limit,
    );
    try {
      return await orAborted(saving, limit, readable.length);
    } finally {
      clearInterval(extending);
    }
  }

  #failure(write: PendingWrite, error: Error): Settlement {
    if (this.#stopping.signal.aborted) return { verdict: 'retry', after: 0 };
    const attempts = write.attempts + 1;
    if (attempts >= this.#settings.maxAttempts) {
      return { verdict: 'dead', error: `${error.name}: ${error.message}` };
    }
    return { verdict: 'retry', after: this.#settings.backoff(write.attempts) };
  }

  async #release(): Promise<void> {
    if (!this.#owned) return;
    this.#owned = false;
    await this.#partition.release(this.#token);
  }

  /** Until then, or until there is work, or the end. */
  #pause(ms: number): Promise<void> {
    if (this.#woken || this.#stopped) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#wake?.(), ms).unref();
      this.#wake = () => {
        clearTimeout(timer);
        this.#wake = undefined;
        resolve();
      };
    });
  }
}

/** The outcomes, or that all failed when the time is up: a store that never answers must not hold up the partition for ever. */
function orAborted(
  saving: Promise<Array<Error | undefined>>,
  limit: AbortSignal,
  count: number,
): Promise<Array<Error | undefined>> {
  return new Promise((resolve, reject) => {
    const give = (): void => resolve(Array.from({ length: count }, () => asError(limit.reason)));
    if (limit.aborted) return give();
    limit.addEventListener('abort', give, { once: true });
    saving.then(resolve, reject).finally(() => limit.removeEventListener('abort', give));
  });
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
