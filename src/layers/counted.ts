/** What is done, together with its being counted, timed, told of and traced. */

import { DeadlineError, type CacheError } from '../errors.js';
import { invalidations, loads, writes, type InvalidateEvent } from '../metrics/channels.js';
import type { TracedWork } from '../metrics/observers.js';
import type { Reader } from '../redis/port.js';
import type { LayerContext, RedisParts } from './layer-context.js';
import type { Filled, Found, Lease } from './shared-tier.js';

/** One load. @param background - whether no caller waits for it. */
export function countLoad<T extends { readonly cost: number }>(
  { counts, observers }: LayerContext,
  key: string,
  background: boolean,
  signal: AbortSignal,
  run: () => Promise<T>,
): Promise<T> {
  const { name: namespace } = counts;
  const began = performance.now();
  counts.loadBegan(background);
  const tell = (error: unknown): void => {
    const duration = performance.now() - began;
    if (loads.hasSubscribers) loads.publish({ namespace, key, duration, background, error });
  };
  const loading = observers.run({ operation: 'load', namespace, key }, run);
  loading.then(
    ({ cost }) => {
      counts.loadEnded(cost / 1000);
      tell(undefined);
    },
    (error: unknown) => {
      // A loader may throw an error of this kind too, of a cache of its own.
      const isOurs = error instanceof DeadlineError && signal.reason === error;
      counts.loadFailed(performance.now() - began, isOurs);
      tell(error);
    },
  );
  return loading;
}

/** Asks for a lease. @param waited - whether somebody else's was waited for before. */
export async function countLease<T extends Lease | Found | undefined>(
  { counts, observers }: LayerContext,
  key: string,
  waited: boolean,
  ask: () => Promise<T>,
): Promise<T> {
  const began = performance.now();
  try {
    const answer = await observers.run({ operation: 'lease', namespace: counts.name, key }, ask);
    counts.leaseAsked(performance.now() - began, answer?.kind === 'held', waited);
    return answer;
  } catch (error) {
    counts.latencies.lease.error.record(performance.now() - began);
    throw error;
  }
}

/** Stores a loaded value. */
export async function countFill(
  { counts, observers }: LayerContext,
  key: string,
  fill: () => Promise<Filled>,
): Promise<Filled> {
  const began = performance.now();
  try {
    const filled = await observers.run({ operation: 'fill', namespace: counts.name, key }, fill);
    counts.filled(performance.now() - began, filled !== 'refused');
    return filled;
  } catch (error) {
    counts.fillFailed(performance.now() - began);
    throw error;
  }
}

/** How one key was written or removed by request. */
export interface WriteOutcome {
  readonly operation: 'set' | 'delete';
  readonly key: string;
  /** When it began, by `performance.now()`. */
  readonly began: number;
  /** Whether it was asked of Redis, and by itself: else its time is that of something else. */
  readonly timed: boolean;
  /** Whether Redis was asked at all. */
  readonly told: boolean;
  /** Why it was not done. */
  readonly error: unknown;
}

/** A key was written or removed by request, or was not. */
export function countWrite({ counts }: LayerContext, outcome: WriteOutcome): void {
  const { operation, key, began, timed, told, error } = outcome;
  const isHeard = writes.hasSubscribers;
  const duration = timed || isHeard ? performance.now() - began : NaN;
  const recorded = timed ? duration : NaN;
  const { name: namespace } = counts;
  if (isHeard) writes.publish({ namespace, key, operation, duration, error });
  if (error !== undefined) {
    if (operation === 'set') counts.writeFailed(recorded);
    else counts.removeFailed(recorded);
  } else if (operation === 'set') counts.written(recorded);
  else {
    counts.removed(recorded, told);
    if (invalidations.hasSubscribers) invalidations.publish({ namespace, key, origin: 'here' });
  }
}

/** What Redis could not be told is told later, and until then not believed. */
export function defer({ counts }: LayerContext, { recovery }: RedisParts, redisKey: string): void {
  counts.invalidationsDeferred++;
  recovery.add(redisKey);
}

/** An invalidation of tags, of which some could not be told to Redis. @param milliseconds - NaN where it was not asked. */
export function countTags(
  { counts }: LayerContext,
  tags: readonly string[],
  failed: readonly string[],
  milliseconds: number,
): void {
  const done = tags.length - failed.length;
  counts.tagInvalidations += done;
  if (!Number.isNaN(milliseconds)) counts.invalidationsSent += done;
  counts.otherErrors += failed.length;
  counts.invalidationsDeferred += failed.length;
  counts.latencies.invalidateTags[failed.length === 0 ? 'ok' : 'error'].record(milliseconds);
  if (!invalidations.hasSubscribers) return;
  for (const tag of tags) {
    if (!failed.includes(tag)) invalidations.publish({ namespace: counts.name, tag, origin: 'here' });
  }
}

/** All of a namespace was removed by request, or not all of it. */
export function countClear({ counts }: LayerContext, error: unknown): void {
  if (error !== undefined) counts.otherErrors++;
  else if (invalidations.hasSubscribers) {
    invalidations.publish({ namespace: counts.name, all: true, origin: 'here' });
  }
}

/** The server told of a change by others. */
export function countChange(
  { counts }: LayerContext,
  what: Pick<InvalidateEvent, 'key' | 'tag' | 'all'>,
): void {
  counts.invalidationsReceived++;
  if (invalidations.hasSubscribers) {
    invalidations.publish({ namespace: counts.name, ...what, origin: 'elsewhere' });
  }
}

/** The reader, with its read traced; the reader itself where nobody traces. */
export function traced({ counts, observers }: LayerContext, key: string, reader: Reader): Reader {
  const { tracer } = observers;
  if (!tracer) return reader;
  const work: TracedWork = { operation: 'get', namespace: counts.name, key };
  const end = tracer.begin(work);
  return {
    received(bytes: Buffer | null, slot: number): void {
      end(bytes === null ? 'miss' : 'hit');
      reader.received(bytes, slot);
    },
    failed(error: CacheError, slot: number): void {
      end('error', error);
      reader.failed(error, slot);
    },
  };
}
