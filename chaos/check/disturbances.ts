import { OUTSIDE, type Bounds, type Fault, type FaultName, type History, type Span } from '../history.js';

/** A fault as one worker's link to Redis felt it: from its begin until the link was well again. */
export interface Disturbance extends Span {
  readonly name: string;
}

/** Until when a black hole may go unnoticed: a deadline, a heartbeat, a second connection. */
const NOTICED = 3000;
/** Faults that are over at once for the server, and begin something for the worker. */
const SILENT: ReadonlySet<string> = new Set([
  'black hole',
  'lost answers',
  'garbage',
  'reset amid an answer',
]);

/** Faults that no link feels. A slot that moves is followed key by key, and excuses nothing. */
const UNFELT: ReadonlySet<FaultName> = new Set([
  'worker kill',
  'flush',
  'slot move',
  'postgres slow',
  'postgres cut',
  'postgres reset',
]);

/** When each worker could not be sure of Redis. */
export class Disturbances {
  readonly #ofWorker = new Map<number, readonly Disturbance[]>();
  readonly #all: readonly Disturbance[];

  constructor(history: History, bounds: Bounds) {
    for (const worker of history.unready.keys()) {
      this.#ofWorker.set(worker, disturbancesOf(worker, history, bounds));
    }
    this.#all = [...this.#ofWorker.values()].flat();
  }

  /** Those of the worker that touch the span. */
  touching(worker: number, begin: number, end: number): readonly Disturbance[] {
    const all = worker === OUTSIDE ? this.#all : (this.#ofWorker.get(worker) ?? []);
    return all.filter((one) => one.begin <= end && one.end >= begin);
  }

  /** The first moment from `time` on at which the worker is not disturbed. */
  over(worker: number, time: number): number {
    let now = time;
    // They are in the order of their begin, so that one pass finds a chain of them.
    for (const { begin, end } of this.#ofWorker.get(worker) ?? []) if (begin <= now && end > now) now = end;
    return now;
  }
}

function disturbancesOf(worker: number, history: History, bounds: Bounds): Disturbance[] {
  const unready = history.unready.get(worker) ?? [];
  const felt = history.faults
    .filter((fault) => fault.worker === undefined || fault.worker === worker)
    .filter(({ name }) => !UNFELT.has(name))
    .map((fault) => ({ name: fault.name, begin: fault.begin, end: wellAgain(fault, unready, bounds) }));
  const noticed = unready.map(({ begin, end }) => ({
    name: 'not ready',
    // It was noticed by a deadline that passed.
    begin: begin - bounds.commandTimeout - bounds.margin,
    end: end + bounds.margin,
  }));
  // What is loaded without Redis is kept for so long, and the link that is ready all the while will not end that.
  const refused = (history.refused.get(worker) ?? []).map(({ begin, end }) => ({
    name: 'refused',
    begin: begin - bounds.commandTimeout - bounds.margin,
    end: end + Math.max(bounds.margin, bounds.maxStaleWhenDisconnected),
  }));
  // While a process does not run, its deadlines and leases pass.
  const stalled = (history.stalls.get(worker) ?? [])
    .filter(({ begin, end }) => end - begin > bounds.commandTimeout / 2)
    .map(({ begin, end }) => ({ name: 'stalled', begin, end: wellAgain({ begin, end }, unready, bounds) }));
  return [...felt, ...noticed, ...refused, ...stalled].sort((a, b) => a.begin - b.begin);
}

function wellAgain(fault: Span & Partial<Fault>, unready: readonly Span[], bounds: Bounds): number {
  let end = fault.end + bounds.margin;
  if (SILENT.has(fault.name ?? '')) end = Math.max(end, fault.begin + NOTICED);
  for (const span of unready) {
    if (span.begin <= end && span.end >= fault.begin) end = Math.max(end, span.end + bounds.margin);
  }
  return end;
}
