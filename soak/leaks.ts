import type { SoakReport } from './soak.js';

/** Four kilobytes for each cache that comes and goes, or fifty bytes for each call; less is not told from chance in a short run. */
const HEAP_A_ROUND = 100_000;

/** What grew, in words; none if nothing did. */
export function leaks({ samples, heapPerRound }: SoakReport): string[] {
  const found: string[] = [];
  if (heapPerRound > HEAP_A_ROUND) found.push(`the heap grows by ${heapPerRound.toFixed(0)} bytes a round`);
  const [first] = samples;
  const last = samples.at(-1);
  if (!first || !last) return ['nothing was looked at'];
  for (const what of ['handles', 'listeners', 'clients'] as const) {
    const least = Math.min(...samples.slice(-3).map((sample) => sample[what]));
    if (least > first[what]) found.push(`${what}: ${first[what]} at first, ${last[what]} at last`);
  }
  return found;
}
