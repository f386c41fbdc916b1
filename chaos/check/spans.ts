import { OUTSIDE, type History, type Span } from '../history.js';

/** When the process of the worker, or the machine as the run itself felt it, did not get on. */
export function heldUp({ stalls }: History, worker: number): Span[] {
  return [...(stalls.get(worker) ?? []), ...(stalls.get(OUTSIDE) ?? [])];
}

export function touch(one: Span, other: Span): boolean {
  return one.begin <= other.end && one.end >= other.begin;
}

/** Milliseconds of the span that are within any of the others. */
export function covered({ begin, end }: Span, others: readonly Span[]): number {
  let sum = 0;
  let from = begin;
  for (const other of [...others].sort((a, b) => a.begin - b.begin)) {
    const until = Math.min(end, other.end);
    const start = Math.max(from, other.begin);
    if (until <= start) continue;
    sum += until - start;
    from = until;
  }
  return sum;
}
