import type { RoundResult } from '../workload.js';
import { percentile } from './percentile.js';

const LATENCY_EVERY = 8;
const CLOCK_EVERY = 16;

/** Measures `body` as one round of this process. */
export async function measured(
  body: () => Promise<Omit<RoundResult, 'seconds' | 'cpuMicros'>>,
): Promise<RoundResult> {
  const cpuBefore = process.cpuUsage();
  const start = performance.now();
  const result = await body();
  const seconds = (performance.now() - start) / 1_000;
  const cpu = process.cpuUsage(cpuBefore);
  return { ...result, seconds, cpuMicros: cpu.user + cpu.system };
}

export interface LoopOptions {
  readonly callers: number;
  /** When the last calls are made. `Infinity` with `calls`. */
  readonly seconds: number;
  /** Ends it after so many calls. */
  readonly calls?: number;
  /** One call, numbered from 0 over all callers. Resolves with whether the answer was right. */
  readonly call: (n: number) => Promise<boolean>;
  /** How often the loader has run so far. */
  readonly loads: () => number;
}

/** `callers` callers, each of which calls again as soon as it is answered. Calls under way at the end are awaited and counted. */
export function closedLoop({
  callers,
  seconds,
  calls = Infinity,
  call,
  loads,
}: LoopOptions): Promise<RoundResult> {
  return measured(async () => {
    const end = performance.now() + seconds * 1_000;
    const loadsBefore = loads();
    const latencies: number[] = [];
    let next = 0;
    let ended = false;
    let operations = 0;
    let wrong = 0;
    let errors = 0;
    let firstError: string | undefined;
    const caller = async (): Promise<void> => {
      while (!ended && next < calls) {
        const n = next++;
        if (n % CLOCK_EVERY === 0 && performance.now() >= end) ended = true;
        const started = n % LATENCY_EVERY === 0 ? performance.now() : 0;
        try {
          if (!(await call(n))) wrong++;
        } catch (error) {
          errors++;
          firstError ??= String(error);
        }
        operations++;
        if (started !== 0) latencies.push(performance.now() - started);
      }
    };
    await Promise.all(Array.from({ length: callers }, caller));
    return {
      operations,
      wrong,
      errors,
      firstError,
      loads: loads() - loadsBefore,
      p99Ms: percentile(latencies, 0.99),
    };
  });
}

/** `callers` calls at once, each made once. */
export function burst(
  callers: number,
  call: (n: number) => Promise<boolean>,
  loads: () => number,
): Promise<RoundResult> {
  return measured(async () => {
    const loadsBefore = loads();
    const latencies: number[] = [];
    let wrong = 0;
    let errors = 0;
    let firstError: string | undefined;
    const caller = async (n: number): Promise<void> => {
      const started = performance.now();
      try {
        if (!(await call(n))) wrong++;
      } catch (error) {
        errors++;
        firstError ??= String(error);
      }
      latencies.push(performance.now() - started);
    };
    await Promise.all(Array.from({ length: callers }, (_, n) => caller(n)));
    return {
      operations: callers,
      wrong,
      errors,
      firstError,
      loads: loads() - loadsBefore,
      p99Ms: percentile(latencies, 0.99),
    };
  });
}
