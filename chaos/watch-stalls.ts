import { machineNow, type Span } from './history.js';

const EVERY = 10;
/** Less is nothing out of the ordinary. */
const STALL = 20;

/** Calls with each time in which this process did not run. What is returned ends it. */
export function watchStalls(
  onStall: (stall: Span) => void,
  onTick?: (last: number, now: number) => void,
): () => void {
  let last = machineNow();
  const timer = setInterval(() => {
    const now = machineNow();
    // The pause between two looks is none.
    if (now - last > EVERY + STALL) onStall({ begin: last + EVERY, end: now });
    onTick?.(last, now);
    last = now;
  }, EVERY);
  timer.unref();
  return () => clearInterval(timer);
}
