import { setTimeout as pause } from 'node:timers/promises';
import type { CacheManager } from 'tiercel';
import { closedLoop } from './closed-loop.js';
import { eventually } from './eventually.js';

/** What a fault did to those who used the cache meanwhile. */
export interface FaultReport {
  readonly calls: number;
  /** What `getOrSet` rejected with. */
  readonly failures: readonly unknown[];
  /** Milliseconds of the slowest `getOrSet`. */
  readonly worst: number;
  /** Answers to another key than was asked for. */
  readonly wrong: number;
  /** The longest in milliseconds that anyone was served what had been invalidated and confirmed before they asked. */
  readonly stalest: number;
  /** Times that the invalidating process itself was served what it had invalidated. Confirmed or not, there must be none. */
  readonly ownStale: number;
  /** Invalidations that were confirmed, and that were told to have failed. */
  readonly invalidated: number;
  readonly refused: number;
}

interface Value {
  readonly key: string;
  readonly version: number;
}

const CALLERS = 30;

/**
 * A database of counters behind caches, with callers who read them and one process that changes them and invalidates what it
 * changed, for as long as it runs; everything is watched that a cache may not do.
 */
export class Truth {
  readonly #keys: readonly string[];
  readonly #versions = new Map<string, number>();
  /** Of each key, the versions whose invalidation was confirmed, and when. */
  readonly #confirmed = new Map<string, Array<{ version: number; at: number }>>();

  constructor(keys: readonly string[]) {
    this.#keys = keys;
    for (const key of keys) {
      this.#versions.set(key, 0);
      this.#confirmed.set(key, []);
    }
  }

  readonly load = async (key: string): Promise<Value> => ({ key, version: this.#versions.get(key) ?? 0 });

  /**
   * Runs traffic while the fault happens.
   *
   * @param readers - caches, each with callers of its own.
   * @param writer - the one that invalidates.
   * @param fault - is given what waits until that many more calls were answered.
   */
  async under(
    readers: readonly CacheManager[],
    writer: CacheManager,
    fault: (goesOn: (calls: number) => Promise<void>) => Promise<void>,
  ): Promise<FaultReport> {
    let wrong = 0;
    let stalest = 0;
    let worst = 0;
    const loop = closedLoop(CALLERS, async (caller, turn) => {
      const reader = readers[caller % readers.length] as CacheManager;
      const key = this.#keys[(turn * 7 + caller) % this.#keys.length] ?? '';
      const asked = performance.now();
      const value = await reader.getOrSet(key, () => this.load(key));
      worst = Math.max(worst, performance.now() - asked);
      if (value.key !== key) wrong++;
      stalest = Math.max(stalest, this.#staleness(value, asked));
      // Copies answer at once, and callers without a pause would leave others no time.
      await pause(1);
    });
    const writing = this.#write(writer);
    const goesOn = async (calls: number): Promise<void> => {
      const before = loop.calls;
      await eventually(`${calls} more calls`, () => loop.calls >= before + calls);
    };
    let ended;
    try {
      await goesOn(500);
      await fault(goesOn);
      await goesOn(500);
    } finally {
      ended = { ...(await loop.stop()), ...(await writing.stop()) };
    }
    return { ...ended, wrong, stalest, worst };
  }

  /** How long before `asked` a later version was confirmed. */
  #staleness({ key, version }: Value, asked: number): number {
    const later = this.#confirmed.get(key)?.find((one) => one.version > version);
    return later && later.at < asked ? asked - later.at : 0;
  }

  #write(writer: CacheManager): {
    stop(): Promise<{ invalidated: number; refused: number; ownStale: number }>;
  } {
    const ended = new AbortController();
    let invalidated = 0;
    let refused = 0;
    let ownStale = 0;
    const run = async (): Promise<void> => {
      for (let turn = 0; !ended.signal.aborted; turn++) {
        const key = this.#keys[turn % this.#keys.length] ?? '';
        const version = (this.#versions.get(key) ?? 0) + 1;
        this.#versions.set(key, version);
        try {
          await writer.delete(key);
          this.#confirmed.get(key)?.push({ version, at: performance.now() });
          invalidated++;
        } catch {
          refused++;
        }
        const own = await writer.getOrSet(key, () => this.load(key));
        if (own.version < version) ownStale++;
        await pause(5);
      }
    };
    const running = run();
    return {
      stop: async () => {
        ended.abort();
        await running;
        return { invalidated, refused, ownStale };
      },
    };
  }
}

/** One line for people who read the output of the tests. */
export function describeReport(what: string, report: FaultReport, back: number): string {
  const { calls, failures, worst, stalest, invalidated, refused } = report;
  return (
    `${what}: ${calls} calls, ${failures.length} errors, worst ${worst.toFixed(0)} ms, stalest ${stalest.toFixed(0)} ms, ` +
    `${invalidated} invalidations confirmed and ${refused} refused, hits from Redis ${back.toFixed(0)} ms after it was back`
  );
}
