import { lifeName, type Bounds, type History, type Read, type Write } from '../history.js';
import type { Disturbances } from './disturbances.js';
import type { TruthOfKey } from './truth-of-key.js';
import type { Violation } from './violation.js';

/** How old answers were. */
export interface Staleness {
  /** Milliseconds since the answer was certainly outdated, of the worst that is explained; without and with a fault. */
  well: number;
  disturbed: number;
}

/** Holds every read of one key against what may have been current. */
export function checkReads(
  truth: TruthOfKey,
  reads: readonly Read[],
  history: History,
  bounds: Bounds,
  disturbances: Disturbances,
  staleness: Staleness,
): Violation[] {
  const found: Violation[] = [];
  for (const read of reads) {
    if (read.token === undefined) continue;
    const place = truth.placeOf(read.token);
    const seen = place === undefined ? undefined : truth.versions[place];
    if (!seen || (seen.write && seen.write.begin > read.end)) {
      const what = `nobody had written ${read.token} when it was read`;
      found.push({ promise: 'unwritten', key: truth.key, what, about: [read] });
      continue;
    }
    for (let later = (place ?? 0) + 1; later < truth.versions.length; later++) {
      const write = truth.versions[later]?.write;
      if (!write) continue;
      // Whatever follows was done later still.
      if (write.begin > read.end) break;
      if (write.begin > read.begin) continue;
      if (isVoid(write, read, history) || mayComeLate(seen.write, write, disturbances)) continue;
      const violation =
        ownWrite(truth, read, write, bounds, disturbances) ??
        tooOld(
          truth,
          read,
          write,
          truth.versions[later]?.effective ?? Infinity,
          history,
          bounds,
          disturbances,
          staleness,
        );
      if (!violation) continue;
      found.push({ ...violation, about: [...(seen.write ? [seen.write] : []), write, read] });
      break;
    }
  }
  return found;
}

const isBehind = (key: string): boolean => key.startsWith('behind:');

/** A write that waited for the database in a Redis that was emptied is lost, as `docs/guides/strategies.md` says. */
function isVoid(write: Write, read: Read, { faults, applied }: History): boolean {
  if (!isBehind(write.key)) return false;
  // One that was refused, or whose process died, may never have been.
  if (write.ok !== true) return true;
  const inDatabase = applied.get(write.token) ?? Infinity;
  return faults.some(
    ({ name, begin, end }) =>
      name === 'flush' && end >= write.begin && begin <= Math.min(inDatabase, read.end),
  );
}

/** One of whose outcome its caller was not told may be done after a later one: its command may wait in a buffer. */
function mayComeLate(seen: Write | undefined, later: Write, disturbances: Disturbances): boolean {
  if (!seen || !isBehind(seen.key) || seen.ok === true) return false;
  return later.begin <= disturbances.over(seen.worker, seen.end ?? seen.begin);
}

/** In its own process a write is known at once, however Redis is. */
function ownWrite(
  { key }: TruthOfKey,
  read: Read,
  write: Write,
  bounds: Bounds,
  disturbances: Disturbances,
): Omit<Violation, 'about'> | undefined {
  if (lifeName(write) !== lifeName(read) || write.end === undefined || write.end > read.begin)
    return undefined;
  if (write.saveFailed) return undefined;
  // What waits for the database waits in Redis, and is not to be had while that is away.
  if (
    isBehind(key) &&
    (!write.ok ||
      [write.end - write.begin, read.end - read.begin].some((took) => took > bounds.commandTimeout / 2) ||
      disturbances.touching(read.worker, write.begin, read.end).length > 0)
  ) {
    return undefined;
  }
  const late = (read.begin - write.end).toFixed(1);
  return { promise: 'own write', key, what: `${late} ms after its own write a process read what was before` };
}

function tooOld(
  { key }: TruthOfKey,
  read: Read,
  write: Write,
  effective: number,
  history: History,
  bounds: Bounds,
  disturbances: Disturbances,
  staleness: Staleness,
): Omit<Violation, 'about'> | undefined {
  if (effective >= read.begin) return undefined;
  const felt = disturbances.touching(read.worker, effective, read.end);
  // Nobody can be told of what waits for the database while Redis is away, or takes longer than a deadline.
  const slow = read.end - read.begin > bounds.commandTimeout / 2;
  if (isBehind(key) && (slow || felt.length > 0)) return undefined;
  let until = effective + bounds.hop;
  for (const { begin, end } of felt) {
    if (begin > effective + bounds.hop) continue;
    const trusted = Math.max(begin, effective) + bounds.maxStaleWhenDisconnected;
    until = Math.max(until, Math.min(trusted, end) + bounds.hop);
  }
  const stood = stalled(history, read.worker, effective, read.begin);
  const age = read.begin - effective - stood;
  const allowed = until - effective;
  if (age <= allowed) {
    if (felt.length > 0) staleness.disturbed = Math.max(staleness.disturbed, age);
    else staleness.well = Math.max(staleness.well, age);
    return undefined;
  }
  const faults =
    felt.length === 0 ? 'with no fault about' : `amid ${felt.map(({ name }) => name).join(', ')}`;
  const what = `read ${age.toFixed(0)} ms after ${write.token} had replaced it, ${faults}; ${allowed.toFixed(0)} ms are allowed`;
  return { promise: 'P2-P3', key, what };
}

/** Milliseconds within the span in which the worker did not run. */
function stalled({ stalls }: History, worker: number, begin: number, end: number): number {
  let sum = 0;
  for (const stall of stalls.get(worker) ?? []) {
    sum += Math.max(0, Math.min(end, stall.end) - Math.max(begin, stall.begin));
  }
  return sum;
}
