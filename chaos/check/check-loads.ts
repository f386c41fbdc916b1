import { lifeName, type Bounds, type History, type Load, type Write } from '../history.js';
import type { Disturbances } from './disturbances.js';
import type { Violation } from './violation.js';

/**
 * P1: loads of one key do not overlap, over all processes. They may where the first was outdated by a change, which is
 * what the second is for (P2); where its process died or could not be sure of Redis; and beyond a lease. One that is ahead of its
 * time may be joined by one other when Redis drops meanwhile what it is to replace (decision 0027).
 *
 * @param loads - of one key, by their begin.
 * @param writes - of that key.
 */
export function checkLoads(
  key: string,
  loads: readonly Load[],
  writes: readonly Write[],
  history: History,
  bounds: Bounds,
  disturbances: Disturbances,
): Violation[] {
  const found: Violation[] = [];
  let running: Load[] = [];
  for (const load of loads) {
    running = running.filter((other) => endOf(other, history) > load.begin);
    const others = running.filter((one) => !isExcused(one, load, writes, history, bounds, disturbances));
    const other = others[key.startsWith('ahead:') ? 1 : 0];
    if (other) {
      const what = `two loads ran at once, in the processes ${lifeName(other)} and ${lifeName(load)}`;
      found.push({ promise: 'P1', key, what, about: [other, load] });
    }
    running.push(load);
  }
  return found;
}

function endOf(load: Load, history: History): number {
  return load.end ?? history.deaths.get(lifeName(load)) ?? Infinity;
}

function isExcused(
  first: Load,
  second: Load,
  writes: readonly Write[],
  history: History,
  bounds: Bounds,
  disturbances: Disturbances,
): boolean {
  // The lease was taken before the load was begun, and the flight that a change outdates may be seen to a hop later.
  const from = first.begin - bounds.hop;
  const changed = writes.some(({ begin, end }) => begin <= second.begin && (end ?? Infinity) >= from);
  const flushed = history.faults.some(
    ({ name, begin, end }) => name === 'flush' && begin <= second.begin && end >= from,
  );
  const unsure = [first, second].some(
    ({ worker }) => disturbances.touching(worker, from, second.begin).length > 0,
  );
  const died = history.deaths.has(lifeName(first)) && first.end === undefined;
  return changed || flushed || unsure || died;
}
