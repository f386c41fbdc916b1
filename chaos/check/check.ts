import { lifeName, type Bounds, type History, type Load, type Read, type Write } from '../history.js';
import { checkDeadlines, type Lateness } from './check-deadlines.js';
import { checkLoads } from './check-loads.js';
import { checkReads, type Staleness } from './check-reads.js';
import { checkReturn, type Return } from './check-return.js';
import { Disturbances } from './disturbances.js';
import { TruthOfKey } from './truth-of-key.js';
import type { Violation } from './violation.js';

export interface Verdict {
  readonly violations: readonly Violation[];
  readonly staleness: Staleness;
  /** Milliseconds of the slowest read. */
  readonly worstRead: number;
  readonly lateness: Lateness;
  readonly latestReturn: Return | undefined;
  /** Reads that failed, which none may but with what its load failed with. */
  readonly readErrors: number;
}

/**
 * Holds a history against the promises, with nothing but what callers saw: an answer must be explained by some value that was
 * current at some time between its asking, less the staleness that is allowed just then, and its coming. What cannot be known
 * from outside (a write whose process died in the middle, a command in a buffer) is decided for the cache, so what this
 * reports is wrong.
 */
export function check(history: History, bounds: Bounds): Verdict {
  const disturbances = new Disturbances(history, bounds);
  const writes = new Map(history.writes.map((write) => [write.token, write]));
  const reads = byKey(history.reads);
  const loads = byKey(history.loads);
  const writesOf = byKey(history.writes);
  const staleness: Staleness = { well: 0, disturbed: 0 };
  const lateness: Lateness = { reads: 0, writes: 0 };
  const violations: Violation[] = [];
  for (const key of history.order.keys()) {
    const truth = new TruthOfKey(key, writes, history, bounds, disturbances);
    const calls = {
      key,
      reads: reads.get(key) ?? [],
      loads: loads.get(key) ?? [],
      writes: writesOf.get(key) ?? [],
    };
    violations.push(
      ...checkReads(truth, calls.reads, history, bounds, disturbances, staleness),
      ...checkLoads(key, calls.loads, calls.writes, history, bounds, disturbances),
      ...checkDeadlines(calls, history, bounds, disturbances, lateness),
      ...lostWrites(truth, history),
    );
  }
  let worstRead = 0;
  let readErrors = 0;
  for (const read of history.reads) {
    worstRead = Math.max(worstRead, read.end - read.begin);
    if (read.error === undefined) continue;
    readErrors++;
    if (isOfItsLoad(read, loads.get(read.key) ?? [])) continue;
    violations.push({ promise: 'P5', key: read.key, what: `a read failed: ${read.error}`, about: [read] });
  }
  const { violations: returns, latest: latestReturn } = checkReturn(history);
  violations.push(...returns);
  return { violations, staleness, worstRead, lateness, latestReturn, readErrors };
}

/** A process in which the load failed tells so, in its words. */
function isOfItsLoad(read: Read, loads: readonly Load[]): boolean {
  return loads.some(
    (load) =>
      load.error === read.error &&
      lifeName(load) === lifeName(read) &&
      load.begin <= read.end &&
      (load.end ?? Infinity) >= read.begin,
  );
}

/** P7: what was acknowledged is in the database at the end, or something later of its key. */
function lostWrites({ key, versions }: TruthOfKey, { applied, faults }: History): Violation[] {
  if (!key.startsWith('behind:')) return [];
  const last = versions.findLastIndex(({ token }) => applied.has(token));
  return versions
    .slice(last + 1)
    .filter(({ write }) => write?.ok === true)
    .filter(({ write }) => !faults.some(({ name, end }) => name === 'flush' && end >= (write?.begin ?? 0)))
    .map(({ token, write }) => ({
      promise: 'P7',
      key,
      what: `${token} was acknowledged and never reached the database`,
      about: write ? [write] : [],
    }));
}

function byKey<T extends Read | Write | Load>(events: readonly T[]): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const event of events) {
    const group = groups.get(event.key);
    if (group) group.push(event);
    else groups.set(event.key, [event]);
  }
  for (const group of groups.values()) group.sort((a, b) => a.begin - b.begin);
  return groups;
}
