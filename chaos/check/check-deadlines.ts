import {
  lifeName,
  OUTSIDE,
  type Bounds,
  type History,
  type Load,
  type Read,
  type Span,
  type Write,
} from '../history.js';
import type { Disturbances } from './disturbances.js';
import { covered, heldUp, touch } from './spans.js';
import type { Violation } from './violation.js';

/** What timers and turns of the event loop may take beside all that is accounted for. */
const GRACE = 50;
/** What a process may have done and not written down when it was killed. */
const UNWRITTEN = 50;

/** How much later than its deadlines the latest call came back, in milliseconds. */
export interface Lateness {
  reads: number;
  writes: number;
}

/** What is known of one key, each in the order of its begin. */
export interface CallsOfKey {
  readonly key: string;
  readonly reads: readonly Read[];
  readonly loads: readonly Load[];
  readonly writes: readonly Write[];
}

/**
 * P4: no call comes back later than its deadlines, and 50 ms. What it may take besides is known from outside: the time of its load
 * or its save; that in which its process, or the machine, was held up; and for a reader the time in which somebody else had the
 * lease of its key, as far as others may have to wait for that.
 */
export function checkDeadlines(
  { key, reads, loads, writes }: CallsOfKey,
  history: History,
  bounds: Bounds,
  disturbances: Disturbances,
  lateness: Lateness,
): Violation[] {
  const found: Violation[] = [];
  let holds: readonly Hold[] | undefined;
  for (const read of reads) {
    if (read.end - read.begin <= bounds.commandTimeout) continue;
    holds ??= holdsOf(key, loads, writes, history, bounds, disturbances);
    const felt = holds.filter((hold) => touch(hold, read));
    // Its own is the last that began in its process; it waits for any other.
    const own = felt.findLast(({ by }) => lifeName(by) === lifeName(read) && by.begin >= read.begin);
    const others = felt.filter((hold) => hold !== own);
    const waits = others.length > 0;
    const spans = [...others, ...(own ? [loadOf(own)] : []), ...heldUp(history, read.worker)];
    // Whoever waits does so for as long as the process that loads, or that is to say so, is held up.
    if (others.some(({ isOnlyLease }) => !isOnlyLease))
      for (const stalls of history.stalls.values()) spans.push(...stalls);
    const late = beyond(read, spans, deadlinesOfRead(key, waits), bounds);
    lateness.reads = Math.max(lateness.reads, late);
    if (late > GRACE) found.push(violation('a read', read, late));
  }
  for (const { saving, ...write } of writes) {
    if (write.worker === OUTSIDE || write.end === undefined) continue;
    const call = { ...write, end: write.end };
    const spans = [...(saving ? [saving] : []), ...heldUp(history, write.worker)];
    const late = beyond(call, spans, deadlinesOfWrite(key), bounds);
    lateness.writes = Math.max(lateness.writes, late);
    if (late > GRACE) found.push(violation('a write', call, late));
  }
  return found;
}

/**
 * Operations with a deadline of their own, one after another. One finds the value, or takes the lease. An entry with tags needs their
 * records, and may have to make way for a lease; what waits for the database is asked for before a load. Whoever waited asks again.
 */
function deadlinesOfRead(key: string, waits: boolean): number {
  const own = key.startsWith('tagged:') ? 3 : key.startsWith('behind:') ? 2 : 1;
  return waits ? own + 1 : own;
}

/** Through: the claim, the fill, and where that is refused the removal. Tags: the floor, and the stamps. Behind: the queue, and the key. */
function deadlinesOfWrite(key: string): number {
  if (key.startsWith('through:')) return 3;
  return key.startsWith('tagged:') || key.startsWith('behind:') ? 2 : 1;
}

function beyond(call: Span, spans: readonly Span[], deadlines: number, { commandTimeout }: Bounds): number {
  return Math.max(0, call.end - call.begin - covered(call, spans) - deadlines * commandTimeout);
}

function violation(what: string, call: (Read | Write) & Span, late: number): Violation {
  const took = (call.end - call.begin).toFixed(0);
  return {
    promise: 'P4',
    key: call.key,
    what: `${what} took ${took} ms, ${late.toFixed(0)} ms more than its deadlines and all that may delay it; ${GRACE} ms are allowed`,
    about: [call],
  };
}

/** A time in which somebody may have had the lease of a key. */
interface Hold extends Span {
  readonly by: Load | Write;
  /** Before the load that it was taken for. */
  readonly isOnlyLease?: true;
}

/** For the caller of a load, what becomes of the lease is nothing to wait for. */
function loadOf({ by }: Hold): Span {
  return { begin: by.begin, end: by.end ?? Infinity };
}

/**
 * Whoever loads has the lease until the load is over, as does who writes through. One whose link was not well meanwhile may have
 * taken it, or lengthened it, without knowing, or may have failed to give it back: then it stands until it runs out. So does that
 * of a process that died. One that was held up before its load began may have had the lease all the while, until that ran out.
 */
function holdsOf(
  key: string,
  loads: readonly Load[],
  writes: readonly Write[],
  history: History,
  { commandTimeout, lease }: Bounds,
  disturbances: Disturbances,
): Hold[] {
  const through = key.startsWith('through:') ? writes.filter(({ worker }) => worker !== OUTSIDE) : [];
  const holds = [...loads, ...through].map((by): Hold => {
    const since = by.begin;
    const died = history.deaths.get(lifeName(by));
    if (by.end === undefined) return { by, begin: since, end: (died ?? Infinity) + lease };
    const isWell = disturbances.touching(by.worker, since - commandTimeout, by.end).length === 0;
    if (isWell) return { by, begin: since, end: by.end };
    return { by, begin: since - commandTimeout, end: disturbances.over(by.worker, by.end) + lease };
  });
  for (const by of loads) {
    for (const stall of history.stalls.get(by.worker) ?? []) {
      const sinceThen = by.begin - stall.end;
      if (sinceThen < -UNWRITTEN || sinceThen > commandTimeout) continue;
      const end = Math.min(by.begin, stall.begin + lease);
      holds.push({ by, begin: stall.begin - UNWRITTEN, end, isOnlyLease: true });
    }
  }
  for (const [life, died] of history.deaths) {
    const [worker, number] = life.split('.').map(Number);
    const by: Load = { key, worker: worker ?? OUTSIDE, life: number ?? 0, begin: died - UNWRITTEN };
    holds.push({ by, begin: by.begin, end: died + lease });
  }
  return holds;
}
