import { setTimeout as pause } from 'node:timers/promises';
import type { BenchCache } from '../contender.js';
import { percentile } from '../runner/percentile.js';
import { sharedNow } from '../runner/shared-clock.js';
import { isProfile, profile } from '../values.js';
import type { RoundResult } from '../workload.js';

/** Callers of keys that nobody has asked for: each call is a miss, and its load is all that it needs. */
export const MISSING = 64;
export const LOAD_MS = 10;
/** Callers of keys that are in memory, about a thousand calls a second each. */
const HITTING = 4;
export const HOT_KEYS = 200;
/** Keys that another process has stored: answered without a load by Redis, and by nothing else. Each is asked for once. */
export const FAR_KEYS = 3_000;
const FAR_EVERY_MS = 5;
/** What has not been answered this long after the end is called hung. */
const GRACE_MS = 2_000;
/** A link that does not answer is taken for what it is by then, if it ever is. */
const NOTICED_MS = 500;
/** When the first calls after a change of state may still be those from before it. */
const SETTLING_MS = 1_000;

/** When Redis went and when it was back, by the shared clock. */
export interface Marks {
  readonly down: number;
  readonly up: number;
}

interface Call {
  readonly ended: number;
  readonly took: number;
  readonly loaded: boolean;
  readonly failed: boolean;
}

export const hotKey = (index: number): string => `hot:${index}`;
export const farKey = (index: number): string => `far:${index}`;

const between = (calls: readonly Call[], from: number, to: number): Call[] =>
  calls.filter(({ ended }) => ended >= from && ended < to);

const medianMs = (calls: readonly Call[]): number =>
  percentile(
    calls.map(({ took }) => took),
    0.5,
  );

/** Calls a second that callers who do nothing but load come to. */
export async function loaderAlone(milliseconds: number): Promise<number> {
  let calls = 0;
  const began = performance.now();
  const caller = async (): Promise<void> => {
    while (performance.now() - began < milliseconds) {
      await pause(LOAD_MS);
      calls++;
    }
  };
  await Promise.all(Array.from({ length: MISSING }, caller));
  return (calls / (performance.now() - began)) * 1_000;
}

/** The traffic that goes on while Redis goes and comes back. */
export class OutageTraffic {
  readonly #cache: BenchCache;
  readonly #missing: Call[] = [];
  readonly #hitting: Call[] = [];
  readonly #far: Call[] = [];
  /** When the calls under way began. */
  readonly #underWay = new Set<number>();
  readonly #cpuBefore = process.cpuUsage();
  readonly #began = sharedNow();
  readonly #callers: Promise<unknown>;
  #ended = false;
  #wrong = 0;
  #errors = 0;
  #loads = 0;
  #firstError: string | undefined;

  constructor(cache: BenchCache) {
    this.#cache = cache;
    let unique = 0;
    const missing = async (): Promise<void> => {
      while (!this.#ended) await this.#call(`miss:${unique}`, unique++, this.#missing);
    };
    const hitting = async (_: unknown, caller: number): Promise<void> => {
      for (let turn = caller; !this.#ended; turn++) {
        await this.#call(hotKey(turn % HOT_KEYS), turn % HOT_KEYS, this.#hitting);
        await pause(1);
      }
    };
    const far = async (): Promise<void> => {
      for (let i = 0; i < FAR_KEYS && !this.#ended; i++) {
        await this.#call(farKey(i), i, this.#far);
        await pause(FAR_EVERY_MS);
      }
    };
    this.#callers = Promise.all([
      ...Array.from({ length: MISSING }, missing),
      ...Array.from({ length: HITTING }, hitting),
      far(),
    ]);
  }

  /** @param alone - calls a second of the loader alone. */
  async end({ down, up }: Marks, alone: number): Promise<RoundResult> {
    this.#ended = true;
    const end = sharedNow();
    await Promise.race([this.#callers, pause(GRACE_MS)]);
    const cpu = process.cpuUsage(this.#cpuBefore);
    const all = [...this.#missing, ...this.#hitting, ...this.#far];
    const hung = [...this.#underWay].map((began) => sharedNow() - began);
    const share = (from: number, to: number): number =>
      (between(this.#missing, from, to).filter(({ failed }) => !failed).length / (to - from)) *
      (1_000 / alone) *
      100;
    const missesDown = between(this.#missing, down, up);
    const back = this.#far.find(({ ended, loaded, failed }) => ended > up && !loaded && !failed);
    return {
      operations: all.length,
      seconds: (end - this.#began) / 1_000,
      cpuMicros: cpu.user + cpu.system,
      wrong: this.#wrong,
      errors: this.#errors,
      firstError: this.#firstError,
      loads: this.#loads,
      p99Ms: percentile(
        missesDown.map(({ took }) => took),
        0.99,
      ),
      figures: {
        alone,
        before: share(Math.min(this.#began + SETTLING_MS / 2, down), down),
        during: share(down, up),
        noticed: share(down + NOTICED_MS, up),
        median: medianMs(between(this.#missing, down + NOTICED_MS, up)),
        after: share(Math.min(up + SETTLING_MS, end), end),
        worst: [...all.map(({ took }) => took), ...hung].reduce((a, b) => Math.max(a, b), 0),
        hung: hung.length,
        hitUp: medianMs(between(this.#hitting, this.#began, down)) * 1_000,
        hitDown: medianMs(between(this.#hitting, down, up)) * 1_000,
        back: back ? back.ended - up : Infinity,
      },
    };
  }

  async #call(key: string, id: number, calls: Call[]): Promise<void> {
    let loaded = false;
    let failed = false;
    const load = async (): Promise<unknown> => {
      loaded = true;
      this.#loads++;
      await pause(LOAD_MS);
      return profile(id);
    };
    const began = sharedNow();
    // Calls that began in the same instant are told apart by less than can be measured.
    let token = began;
    while (this.#underWay.has(token)) token += 1e-6;
    this.#underWay.add(token);
    try {
      if (!isProfile(await this.#cache.getOrSet(key, load), id)) this.#wrong++;
    } catch (error) {
      failed = true;
      this.#errors++;
      this.#firstError ??= String(error);
      // A caller that fails at once would otherwise do nothing else.
      await pause(1);
    }
    this.#underWay.delete(token);
    const ended = sharedNow();
    calls.push({ ended, took: ended - began, loaded, failed });
  }
}
