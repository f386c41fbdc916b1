import type { Fault, FaultName, History, Load } from '../history.js';
import { covered, heldUp } from './spans.js';
import type { Violation } from './violation.js';

/** Milliseconds from the end of a fault until a process is served by Redis again. */
const LIMIT = 1000;
/** Milliseconds without a failure: of several servers, others may serve a process while one does not. */
const QUIET = 300;
/** As many loads say that Redis was asked for something: one or another may be of no use to it, being outdated. */
const TELLING = 3;

/** Those after which the server is there for everybody, and everybody has to notice by himself. */
const TAKES_REDIS_AWAY: ReadonlySet<FaultName> = new Set([
  'redis freeze',
  'redis kill',
  'client kill',
  'cut',
  'takeover',
  'failover',
]);

/** The process that was the last to be served by Redis after a fault. */
export interface Return {
  readonly after: FaultName;
  /** Milliseconds, without those in which the process or the machine was held up. */
  readonly took: number;
}

/**
 * What is loaded is shared again, and what is there is read from there, within a second of a server's return. A second in which
 * the next fault begins, or the process dies, proves nothing unless it came back before.
 *
 * @returns the latest return, besides.
 */
export function checkReturn(history: History): { violations: Violation[]; latest: Return | undefined } {
  const violations: Violation[] = [];
  let latest: Return | undefined;
  for (const fault of history.faults) {
    if (!TAKES_REDIS_AWAY.has(fault.name)) continue;
    for (const [worker, served] of history.served) {
      if (fault.worker !== undefined && fault.worker !== worker) continue;
      const from = fault.back ?? fault.end;
      const proofEnds = endOfProof(fault, worker, history);
      const failures = (history.failed.get(worker) ?? []).filter(({ begin }) => begin < proofEnds);
      const first = served.find(
        (at) => at >= from && !failures.some(({ begin, end }) => end > at && begin < at + QUIET),
      );
      const until = Math.min(first ?? Infinity, proofEnds);
      const took = until - from - covered({ begin: from, end: until }, heldUp(history, worker));
      if (first === until && took > (latest?.took ?? -1)) latest = { after: fault.name, took };
      if (took <= LIMIT) continue;
      const about = history.loads
        .filter((load) => load.worker === worker && load.begin >= from && (load.end ?? Infinity) <= until)
        .slice(0, 100);
      const last = about.at(-1);
      if (about.length >= TELLING && last) violations.push(violation(fault, worker, took, about, last));
    }
  }
  return { violations, latest };
}

/** When the next fault of the worker begins, its process dies, or nobody asks any more. */
function endOfProof(fault: Fault, worker: number, { faults, deaths, end }: History): number {
  const others = faults.filter((one) => one !== fault && (one.worker === undefined || one.worker === worker));
  const deathsOf = [...deaths].filter(([life]) => life.startsWith(`${worker}.`)).map(([, at]) => at);
  return Math.min(
    end,
    ...[...others.map(({ begin }) => begin), ...deathsOf].filter((at) => at > fault.begin),
  );
}

function violation(
  fault: Fault,
  worker: number,
  took: number,
  about: readonly Load[],
  last: Load,
): Violation {
  const what =
    `the process ${worker} was not served by Redis ${took.toFixed(0)} ms after it was back from ${fault.name}, ` +
    `while it loaded ${about.length} times; ${LIMIT} ms are allowed`;
  return { promise: 'return', key: last.key, what, about };
}
