import { setTimeout as pause } from 'node:timers/promises';
import type { ConformanceCache, ConformanceRedis, ConformanceSubject } from './subject.js';

/** What did not come in time. */
const NOTHING = Symbol('nothing');

/** What one check works with: instances that are closed behind it, and a Redis that is well again behind it. */
export class Stage {
  readonly redis: ConformanceRedis;
  readonly hop: number;
  readonly patience: number;
  readonly recovery: number;
  readonly #subject: ConformanceSubject;
  readonly #opened: ConformanceCache[] = [];

  constructor(subject: ConformanceSubject) {
    this.#subject = subject;
    this.redis = subject.redis;
    this.hop = subject.hop ?? 500;
    this.patience = subject.patience ?? 3000;
    this.recovery = subject.recovery ?? 8000;
  }

  async open(url: string = this.redis.url): Promise<ConformanceCache> {
    const cache = await this.#subject.open(url);
    this.#opened.push(cache);
    return cache;
  }

  /** @returns undefined where it cannot be told. */
  redisKey(key: string): string | undefined {
    return this.#subject.redisKey?.(key);
  }

  /** @throws Error when it takes longer than the patience, whatever it then does. */
  async within<T>(what: string, work: Promise<T>, limit = this.patience): Promise<T> {
    work.catch(() => undefined);
    const patience = new AbortController();
    const waited = pause(limit, NOTHING, { signal: patience.signal }).catch((): typeof NOTHING => NOTHING);
    try {
      const answer = await Promise.race([work, waited]);
      if (answer === NOTHING) throw new Error(`${what} did not settle within ${limit} ms`);
      return answer;
    } finally {
      patience.abort();
    }
  }

  /** Asks until the answer is right. @throws Error with the last that was not. */
  async eventually(what: string, limit: number, ask: () => Promise<boolean>): Promise<void> {
    const until = performance.now() + limit;
    while (!(await ask())) {
      if (performance.now() > until) throw new Error(`${what}, still after ${limit} ms`);
      await pause(10);
    }
  }

  async clear(): Promise<void> {
    for (const cache of this.#opened.splice(0)) {
      // One that hangs must not hold up those that come after it.
      await this.within('close', cache.close()).catch(() => undefined);
    }
  }
}

/** @throws Error that says what was there instead. */
export function expectValue(what: string, got: unknown, wanted: unknown): void {
  if (!Object.is(got, wanted)) throw new Error(`${what}: expected ${show(wanted)}, got ${show(got)}`);
}

export function show(value: unknown): string {
  return typeof value === 'object' && value !== null
    ? `an instance of ${value.constructor?.name ?? 'nothing'}`
    : String(typeof value === 'string' ? JSON.stringify(value) : value);
}
