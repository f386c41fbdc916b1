import type { CacheManager } from 'tiercel';
import { closedLoop } from './closed-loop.js';
import { PacedClock } from './paced-clock.js';

/** Milliseconds between two changes of the database. */
const CHANGE_EVERY = 5;

export interface TrafficReport {
  readonly calls: number;
  /** Milliseconds of the slowest `getOrSet`. */
  readonly worst: number;
  /** The same by {@link PacedClock}, which does not count what the machine did for others. */
  readonly worstPaced: number;
  /** What callers of `getOrSet` got that was wrong, or that rejected. */
  readonly failures: readonly unknown[];
  /** Explicit writes and deletes that said they had failed. */
  readonly refusedWrites: number;
  readonly writes: number;
}

/** Versions of one key, each with the time at which its invalidation was acknowledged. */
interface Row {
  version: number;
  readonly invalidated: Array<{ readonly version: number; readonly at: number }>;
}

/**
 * Callers with a loader that works, and somebody else who changes what it loads and invalidates it. Every answer must be of
 * its key, and no older than what had been acknowledged as invalid `staleness` ms before it was asked for.
 */
export class ClusterTraffic {
  readonly #cache: CacheManager;
  readonly #bare: CacheManager;
  readonly #other: CacheManager;
  readonly #staleness: number;
  readonly #rows = new Map<string, Row>();
  readonly #keys: readonly string[];
  #loop: ReturnType<typeof closedLoop> | undefined;
  #writing: Promise<void> | undefined;
  #stopped = false;
  readonly #clock = new PacedClock();
  #worstPaced = 0;
  #writes = 0;
  #refusedWrites = 0;

  constructor(
    { cache, bare, other }: Readonly<Record<'cache' | 'bare' | 'other', CacheManager>>,
    { keys, staleness }: { readonly keys: readonly string[]; readonly staleness: number },
  ) {
    this.#cache = cache;
    this.#bare = bare;
    this.#other = other;
    this.#keys = keys;
    this.#staleness = staleness;
  }

  get calls(): number {
    return this.#loop?.calls ?? 0;
  }

  start(callers = 30): void {
    this.#loop = closedLoop(callers, (caller, turn) => this.#read(caller * 7 + turn));
    this.#writing = this.#write();
  }

  async stop(): Promise<TrafficReport> {
    this.#stopped = true;
    const report = await this.#loop?.stop();
    await this.#writing;
    this.#clock.stop();
    return {
      worstPaced: Math.round(this.#worstPaced),
      calls: report?.calls ?? 0,
      worst: Math.round(report?.worst ?? 0),
      failures: report?.failures ?? [],
      refusedWrites: this.#refusedWrites,
      writes: this.#writes,
    };
  }

  async #read(turn: number): Promise<void> {
    const key = this.#keys[turn % this.#keys.length] as string;
    const row = this.#row(key);
    const before = performance.now() - this.#staleness;
    let least = 0;
    for (const { version, at } of row.invalidated) if (at < before) least = version;
    // Half of the callers have no memory, so that there is something to be asked of Redis at all times.
    const cache = turn % 2 === 0 ? this.#cache : this.#bare;
    const began = this.#clock.now();
    const value = await cache.getOrSet(key, async () => ({ key, version: row.version }));
    this.#worstPaced = Math.max(this.#worstPaced, this.#clock.now() - began);
    if (value.key !== key) throw new Error(`asked for ${key} and was given ${JSON.stringify(value)}`);
    if (value.version < least) {
      throw new Error(
        `${key} is at ${row.version}, ${least} was told long ago, and ${value.version} was given`,
      );
    }
  }

  async #write(): Promise<void> {
    for (let turn = 0; !this.#stopped; turn++) {
      const key = this.#keys[(turn * 13) % this.#keys.length] as string;
      const row = this.#row(key);
      const version = ++row.version;
      this.#writes++;
      try {
        await this.#other.delete(key);
        row.invalidated.push({ version, at: performance.now() });
        if (row.invalidated.length > 50) row.invalidated.shift();
      } catch {
        this.#refusedWrites++;
      }
      await new Promise((resolve) => setTimeout(resolve, CHANGE_EVERY));
    }
  }

  #row(key: string): Row {
    let row = this.#rows.get(key);
    if (!row) this.#rows.set(key, (row = { version: 1, invalidated: [] }));
    return row;
  }
}
