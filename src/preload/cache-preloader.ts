import { parseDuration } from '../duration.js';
import { BulkError, InvalidOptionError } from '../errors.js';
import { runInBackground } from '../runtime/background.js';
import type { Logger } from '../runtime/logger.js';
import { eachUntilAborted, untilAborted } from '../runtime/until-aborted.js';
import { describeValue, rejectUnknownOptions } from '../validate.js';
import { chunks, knownTotal } from './chunks.js';
import type { FleetTurns, TurnClaim } from './fleet-turns.js';
import {
  checkedCount,
  checkPatterns,
  type CheckedPattern,
  type PreloaderOptions,
  type PreloadPattern,
} from './pattern.js';
import { TurnQueue } from './turn-queue.js';

/** What a preloader needs of the cache that it fills. A `CacheManager` is one. */
export interface PreloadTarget {
  setMany(
    entries: Iterable<readonly [key: string, value: unknown]>,
    options: { readonly ttl: number; readonly jitter: number; readonly tags: readonly string[] },
  ): Promise<void>;
}

/** How far one turn of one pattern is. */
export interface PreloadProgress {
  readonly pattern: string;
  readonly turn: number;
  /** Entries that are in the cache, and that could not be put there. */
  readonly written: number;
  readonly failed: number;
  /** How many there will be, where that is known beforehand. */
  readonly total: number | undefined;
  /** Whether the turn has ended. */
  readonly ended: boolean;
  /** Why the turn failed, where it did. */
  readonly error: unknown;
}

export interface PreloadStatus {
  readonly name: string;
  readonly priority: number;
  /** `elsewhere`: another process runs this turn. */
  readonly state: 'idle' | 'waiting' | 'running' | 'elsewhere';
  /** Turns that this process has run, and those of them that failed. */
  readonly runs: number;
  readonly failures: number;
  /** When this process last ended a turn, in milliseconds since the epoch, and how long that took; undefined before the first. */
  readonly lastRunAt: number | undefined;
  readonly lastDuration: number | undefined;
  /** Entries of that turn. */
  readonly lastWritten: number;
  /** Why that turn failed; undefined where it did not. */
  readonly lastError: unknown;
  /** Whether that turn failed, and no process has ended another one since. */
  readonly failing: boolean;
  /** Of the turn that this process runs, or else of the last that it ran; undefined before the first. */
  readonly progress: PreloadProgress | undefined;
  /** When the next turn begins; undefined where the preloader is stopped. */
  readonly nextTurnAt: number | undefined;
}

export interface PreloaderParts {
  readonly target: PreloadTarget;
  /** Missing for a cache without Redis: then every process runs every turn. */
  readonly fleet: ((lease: number) => FleetTurns) | undefined;
  readonly logger: Logger;
  /** A turn that this process ran has ended. */
  readonly onTurn?: (failed: boolean) => void;
}

interface Plan {
  readonly pattern: CheckedPattern;
  state: PreloadStatus['state'];
  runs: number;
  failures: number;
  lastRunAt: number | undefined;
  lastDuration: number | undefined;
  lastWritten: number;
  lastError: unknown;
  failing: boolean;
  progress: PreloadProgress | undefined;
  nextTurnAt: number | undefined;
  timer: NodeJS.Timeout | undefined;
  /** The turn under way in this process. */
  underWay: Promise<void> | undefined;
}

const OPTIONS: ReadonlyArray<keyof PreloaderOptions> = ['concurrency', 'chunkSize', 'lease'];
const LONGEST_TIMER = 2 ** 31 - 1;

/**
 * Fills a cache on a schedule, so that nobody waits for what everybody will ask for.
 *
 * A turn of a pattern is run once over all processes that share the Redis: whoever is first takes its lease, and if that process
 * dies another takes over when the lease runs out. A turn that fails is logged, counted, and not tried again before the next one.
 * Its entries live until the end of the turn after, so that one failed turn is not felt.
 */
export class CachePreloader implements AsyncDisposable {
  readonly #target: PreloadTarget;
  readonly #fleet: FleetTurns | undefined;
  readonly #logger: Logger;
  readonly #onTurn: PreloaderParts['onTurn'];
  readonly #plans: ReadonlyMap<string, Plan>;
  readonly #queue: TurnQueue;
  readonly #chunkSize: number;
  readonly #lease: number;
  readonly #listeners = new Set<(progress: PreloadProgress) => void>();
  #stopping = new AbortController();
  #started = false;

  /** Made by `CacheManager.preload`. @throws InvalidOptionError */
  constructor(
    { target, fleet, logger, onTurn }: PreloaderParts,
    patterns: readonly PreloadPattern[],
    options: PreloaderOptions = {},
  ) {
    rejectUnknownOptions(options, OPTIONS, 'preload');
    this.#target = target;
    this.#logger = logger;
    this.#onTurn = onTurn;
    this.#lease =
      options.lease === undefined ? 10_000 : parseDuration(options.lease, 'preload.lease', { min: 100 });
    this.#fleet = fleet?.(this.#lease);
    this.#queue = new TurnQueue(checkedCount(options.concurrency, 2, 'preload.concurrency'));
    this.#chunkSize = checkedCount(options.chunkSize, 500, 'preload.chunkSize');
    this.#plans = new Map(checkPatterns(patterns).map((pattern) => [pattern.name, planOf(pattern)]));
  }

  /** Begins with the turns under way, where no process has run them, and goes on until `stop`. Twice is once. */
  start(): this {
    if (this.#started) return this;
    this.#started = true;
    if (this.#stopping.signal.aborted) this.#stopping = new AbortController();
    for (const plan of this.#plans.values()) this.#begin(plan);
    return this;
  }

  /** Ends it. Turns under way are told to stop, and have ended when this resolves; other processes may take them. */
  async stop(): Promise<void> {
    this.#started = false;
    this.#stopping.abort(new Error('the preloader was stopped'));
    for (const plan of this.#plans.values()) {
      clearTimeout(plan.timer);
      plan.nextTurnAt = undefined;
    }
    await this.#ended(() => true);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /**
   * Runs a pattern now, in this process, whether or not any process has run its turn or is just running it.
   *
   * @param name - all patterns if left out.
   * @throws what the load throws; InvalidOptionError for an unknown name.
   */
  async runNow(name?: string): Promise<void> {
    const plans = name === undefined ? [...this.#plans.values()] : [this.#plan(name)];
    if (this.#stopping.signal.aborted && !this.#started) this.#stopping = new AbortController();
    await Promise.all(
      plans.map((plan) =>
        this.#enqueue(plan, (turn) => this.#queued(plan, () => this.#run(plan, turn, undefined))),
      ),
    );
  }

  /** Resolves when the first turn of every pattern with `warmUp` has ended, here or in another process, well or not. */
  async warmedUp(): Promise<void> {
    await this.#ended(({ pattern }) => pattern.warmUp);
  }

  /** Of every pattern, those of the highest priority first. */
  status(): PreloadStatus[] {
    return [...this.#plans.values()]
      .map(({ pattern, timer: _timer, underWay: _underWay, ...known }) => ({
        name: pattern.name,
        priority: pattern.priority,
        ...known,
      }))
      .toSorted((a, b) => b.priority - a.priority);
  }

  /** Calls the listener after every chunk and at the end of a turn. Returns what ends that. */
  onProgress(listener: (progress: PreloadProgress) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #plan(name: string): Plan {
    const plan = this.#plans.get(name);
    if (!plan) throw new InvalidOptionError(`preload: no pattern has the name ${describeValue(name)}`);
    return plan;
  }

  #now(): number {
    return this.#fleet?.now() ?? Date.now();
  }

  #begin(plan: Plan): void {
    this.#scheduleNext(plan);
    // A failure is logged and counted where it happens.
    runInBackground(
      this.#enqueue(plan, (turn) => this.#take(plan, turn)),
      () => undefined,
    );
  }

  #scheduleNext(plan: Plan): void {
    clearTimeout(plan.timer);
    const now = this.#now();
    const next = plan.pattern.turns.next(now);
    plan.nextTurnAt = next;
    const wait = next - now;
    // A far turn is approached in steps, since a timer holds 31 bits.
    const due = wait <= LONGEST_TIMER;
    const go = (): void => {
      if (!this.#started) return;
      if (due) this.#begin(plan);
      else this.#scheduleNext(plan);
    };
    plan.timer = setTimeout(go, Math.min(wait, LONGEST_TIMER)).unref();
  }

  /** One at a time of each pattern. */
  #enqueue(plan: Plan, work: (turn: number) => Promise<void>): Promise<void> {
    const before = plan.underWay;
    const turn = plan.pattern.turns.current(this.#now());
    const all = (async () => {
      await before?.catch(() => undefined);
      try {
        await work(turn);
      } finally {
        plan.state = 'idle';
      }
    })();
    plan.underWay = all;
    return all;
  }

  /** Runs the turn, unless it was run or another process is at it; then waits for its end, or to take it over. */
  async #take(plan: Plan, turn: number): Promise<void> {
    const stopped = this.#stopping.signal;
    const isOver = (): boolean => stopped.aborted || plan.pattern.turns.current(this.#now()) !== turn;
    for (let first = true; first || !isOver(); first = false) {
      const claim = await this.#queued(plan, () => this.#try(plan, turn));
      if (claim !== 'taken' || isOver()) return;
      plan.state = 'elsewhere';
      await paused(this.#lease / 3, stopped);
    }
  }

  async #try(plan: Plan, turn: number): Promise<TurnClaim> {
    if (this.#stopping.signal.aborted) return 'done';
    // Without Redis nothing can be stored there either; it may be back before the turn is over.
    const claim = (await this.#fleet?.claim(plan.pattern.name, turn).catch(() => 'taken' as const)) ?? 'ours';
    if (claim === 'ours') await this.#run(plan, turn, this.#fleet);
    // Another process has run it, and tells how that ended.
    if (claim === 'done' && plan.progress?.turn !== turn) plan.failing = false;
    return claim;
  }

  #queued<R>(plan: Plan, work: () => Promise<R>): Promise<R> {
    plan.state = 'waiting';
    return this.#queue.run(plan.pattern.priority, work);
  }

  async #ended(which: (plan: Plan) => boolean): Promise<void> {
    const plans = [...this.#plans.values()].filter(which);
    await Promise.allSettled(plans.map(async ({ underWay }) => underWay));
  }

  async #run(plan: Plan, turn: number, fleet: FleetTurns | undefined): Promise<void> {
    const { pattern } = plan;
    const began = performance.now();
    const lost = new AbortController();
    const signal = AbortSignal.any([this.#stopping.signal, lost.signal]);
    const extending = fleet && this.#keepLease(fleet, pattern.name, lost);
    let progress: PreloadProgress = {
      pattern: pattern.name,
      turn,
      written: 0,
      failed: 0,
      total: undefined,
      ended: false,
      error: undefined,
    };
    plan.state = 'running';
    plan.progress = progress;
    try {
      progress = await this.#fill(plan, progress, signal);
      signal.throwIfAborted();
    } catch (error) {
      progress = { ...(plan.progress ?? progress), error };
    } finally {
      clearInterval(extending);
    }
    const life = 2 * (pattern.turns.next(turn) - turn);
    if (this.#stopping.signal.aborted) await fleet?.abandon(pattern.name).catch(() => undefined);
    else await fleet?.finish(pattern.name, turn, life).catch(() => undefined);
    plan.runs++;
    plan.lastRunAt = this.#now();
    plan.lastDuration = performance.now() - began;
    plan.lastWritten = progress.written;
    plan.lastError = progress.error;
    // Whoever stopped it, or took it over, has not made it fail.
    plan.failing = progress.error !== undefined && !signal.aborted;
    this.#onTurn?.(progress.error !== undefined);
    this.#tell(plan, { ...progress, ended: true });
    if (progress.error === undefined) return;
    plan.failures++;
    this.#logger.warn(`preload ${pattern.name} failed, and is tried again at its next turn`, {
      error: progress.error,
    });
    throw progress.error;
  }

  async #fill(plan: Plan, start: PreloadProgress, signal: AbortSignal): Promise<PreloadProgress> {
    const { pattern } = plan;
    const entries = await untilAborted(Promise.resolve(pattern.load({ signal, turn: start.turn })), signal);
    let progress = { ...start, total: knownTotal(entries) };
    this.#tell(plan, progress);
    const ttl = 2 * (pattern.turns.next(start.turn) - start.turn);
    for await (const chunk of eachUntilAborted(chunks(entries, this.#chunkSize), signal)) {
      signal.throwIfAborted();
      for (const [key] of chunk) {
        if (!pattern.takesKey(key)) {
          throw new InvalidOptionError(
            `preload ${pattern.name}: the key ${describeValue(key)} does not match ${describeValue(pattern.keyPattern)}`,
          );
        }
      }
      const failed = await this.#write(chunk, ttl, pattern);
      progress = {
        ...progress,
        written: progress.written + chunk.length - failed,
        failed: progress.failed + failed,
      };
      this.#tell(plan, progress);
    }
    if (progress.failed > 0) {
      throw new Error(
        `${progress.failed} of ${progress.failed + progress.written} entries could not be stored`,
      );
    }
    return progress;
  }

  /** @returns how many of them could not be stored. */
  async #write(
    chunk: ReadonlyArray<readonly [string, unknown]>,
    ttl: number,
    { name, tags = [] }: CheckedPattern,
  ): Promise<number> {
    try {
      await this.#target.setMany(chunk, { ttl, jitter: 0, tags });
      return 0;
    } catch (error) {
      if (!(error instanceof BulkError)) throw error;
      this.#logger.warn(`preload ${name}: some entries could not be stored`, { error });
      return error.failures.size;
    }
  }

  #keepLease(fleet: FleetTurns, name: string, lost: AbortController): NodeJS.Timeout {
    return setInterval(() => {
      fleet.extend(name).then(
        (ours) => {
          if (!ours) lost.abort(new Error(`another process has taken over the turn of ${name}`));
        },
        () => undefined, // Redis is away; whether the lease still stands is seen when it is back
      );
    }, this.#lease / 3).unref();
  }

  #tell(plan: Plan, progress: PreloadProgress): void {
    plan.progress = progress;
    for (const listener of this.#listeners) {
      runInBackground(
        () => listener(progress),
        (error) => this.#logger.warn('a listener to the progress of preloading failed', { error }),
      );
    }
  }
}

function planOf(pattern: CheckedPattern): Plan {
  return {
    pattern,
    state: 'idle',
    runs: 0,
    failures: 0,
    lastRunAt: undefined,
    lastDuration: undefined,
    lastWritten: 0,
    lastError: undefined,
    failing: false,
    progress: undefined,
    nextTurnAt: undefined,
    timer: undefined,
    underWay: undefined,
  };
}

function paused(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms).unref();
    signal.addEventListener('abort', end, { once: true });
  });
}
