import { parseTtl } from '../client/client-options.js';
import type { Duration } from '../duration.js';
import { DeadlineError } from '../errors.js';
import { delay } from '../runtime/delay.js';
import { checkTags } from './tag-table.js';

/** What a loader is told, and may say of what it loads. */
export interface LoadContext {
  /** The key as the caller gave it. */
  readonly key: string;
  /** Aborted when the load passes its hard timeout, or when every caller that waits for it has left. */
  readonly signal: AbortSignal;
  /** The value that stands, stale, where there is one: for conditional requests. It is shared; do not change it. */
  readonly stale: unknown;
  /** This value is fresh for so long, instead of the `ttl` of the call. */
  setTtl(ttl: Duration): void;
  /** This value has these tags, besides those of the call. */
  setTags(tags: readonly string[]): void;
  /** This value is passed on and not stored. */
  skip(): void;
}

/** Gets the value from where it really lives. `undefined` means that there is none; it is passed on and not stored. */
export type Loader<T> = (context: LoadContext) => Promise<T> | T;

export interface Loaded<T> {
  readonly value: T;
  /** Microseconds the load took. */
  readonly cost: number;
  readonly ttl: number | undefined;
  readonly tags: readonly string[];
  readonly skipped: boolean;
}

export interface LoadSettings {
  readonly key: string;
  readonly stale: unknown;
  /** Milliseconds, or `Infinity`. */
  readonly hardTimeout: number;
  /** Aborting it aborts the loader's signal. */
  readonly controller: AbortController;
}

/** Runs a loader to its end or its hard timeout. */
export async function runLoad<T>(loader: Loader<T>, settings: LoadSettings): Promise<Loaded<T>> {
  const { key, stale, hardTimeout, controller } = settings;
  let ttl: number | undefined;
  let tags: readonly string[] = [];
  let skipped = false;
  const context: LoadContext = {
    key,
    stale,
    signal: controller.signal,
    setTtl: (given) => void (ttl = parseTtl(given, 0)),
    setTags: (given) => void (tags = checkTags(given, 'setTags')),
    skip: () => void (skipped = true),
  };
  const began = performance.now();
  const loading = (async () => loader(context))();
  const value = await (hardTimeout === Infinity ? loading : within(loading, hardTimeout, key, controller));
  return { value, cost: Math.round((performance.now() - began) * 1000), ttl, tags, skipped };
}

function within<T>(loading: Promise<T>, limit: number, key: string, controller: AbortController): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      const error = new DeadlineError(`the load took longer than ${limit} ms`, { operation: 'load', key });
      reject(error);
      controller.abort(error);
    }, limit);
    loading.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

/** The outcome, or undefined where it takes longer than that. */
export async function orStale<T>(loading: Promise<T>, softTimeout: number): Promise<T | undefined> {
  if (softTimeout === Infinity) return loading;
  const pause = delay(softTimeout);
  try {
    return await Promise.race([loading, pause.passed.then(() => undefined)]);
  } finally {
    pause.cancel();
  }
}
