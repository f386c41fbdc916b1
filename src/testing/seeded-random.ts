/**
 * Numbers from 0 up to, not including, 1: the same for the same seed on every machine, so that a run that failed can be had again.
 * mulberry32, by Tommy Ettinger.
 *
 * @param seed - a whole number; of larger ones the lowest 32 bits count.
 */
export function seededRandom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}
