import type { FaultName } from './history.js';

/** A fault that is to come. Times are milliseconds, from the start of the run and long. */
export interface PlannedFault {
  readonly name: FaultName;
  readonly at: number;
  readonly lasts: number;
  readonly worker: number;
  /** Which of the servers, where there are several. */
  readonly server: number;
}

/** How long each may last; those of no length are over at once. */
const LENGTHS: Readonly<Record<FaultName, readonly [least: number, most: number]>> = {
  'redis freeze': [200, 3000],
  'redis kill': [100, 2000],
  'client kill': [0, 0],
  flush: [0, 0],
  'worker kill': [100, 600],
  'worker stop': [200, 2500],
  cut: [100, 2500],
  'black hole': [0, 0],
  slow: [500, 2000],
  'lost answers': [0, 0],
  'reset amid an answer': [0, 0],
  garbage: [0, 0],
  'postgres slow': [500, 2500],
  'postgres cut': [100, 2500],
  'postgres reset': [0, 0],
  // These take the time they take.
  takeover: [0, 0],
  failover: [0, 0],
  'slot move': [0, 0],
};
/** Milliseconds between two faults, in which all may become well: the strict bounds hold only then. */
const REST = [1200, 4000] as const;

/**
 * The faults of a run: the same for the same seed. Each comes before any comes twice, so that a short run has many.
 *
 * @param names - those that can happen.
 */
export function planFaults(
  random: () => number,
  duration: number,
  workers: number,
  servers: number,
  names: readonly FaultName[],
): PlannedFault[] {
  const between = ([least, most]: readonly [number, number]): number => least + random() * (most - least);
  const faults: PlannedFault[] = [];
  let left: FaultName[] = [];
  for (let at = 1500; at < duration;) {
    if (left.length === 0) left = [...names];
    const [name = 'flush'] = left.splice(Math.floor(random() * left.length), 1);
    const lasts = between(LENGTHS[name]);
    const worker = Math.floor(random() * workers);
    faults.push({ name, at, lasts, worker, server: Math.floor(random() * servers) });
    at += lasts + between(REST);
  }
  return faults;
}
