/**
 * Makes a dictionary: bytes that values of one kind are likely to have in common, for a compressor that has none to look back
 * at where a value is small.
 *
 * After Liao, Petri, Moffat and Wirth, "Effective Construction of Relative Lempel-Ziv Dictionaries" (WWW 2016), the method of
 * zstd's trainers too: a run of bytes is worth as much as the samples that have each of its eight-byte pieces, and a piece
 * that was taken once is worth nothing more. The samples are cut into as many stretches as there is room for runs, and the
 * best run of each is taken. The best stand at the end, since short distances cost fewer bits.
 *
 * Pieces are counted by a hash of 16 bits: now and then two share a count, which makes a dictionary a little worse and never
 * wrong.
 */

const PIECE = 8;
const RUN = 64;
const SLOTS = 1 << 16;

interface Run {
  readonly start: number;
  readonly end: number;
  readonly worth: number;
}

/**
 * @param size - of the dictionary, in bytes, at most.
 * @returns bytes; fewer than `size` where the samples have less in common.
 */
export function trainDictionary(samples: readonly Buffer[], size: number): Buffer {
  const all = Buffer.concat(samples);
  const counts = countPieces(samples);
  const taken: Run[] = [];
  const stretch = Math.max(RUN, Math.floor(all.length / Math.max(1, Math.floor(size / RUN))));
  let left = size;
  // Over and over until it is full: what was taken is worth nothing more, so each round takes something else.
  for (let before = -1; before !== taken.length && left >= PIECE;) {
    before = taken.length;
    for (let start = 0; start < all.length && left >= PIECE; start += stretch) {
      const run = bestRun(all, counts, start, Math.min(all.length, start + stretch), Math.min(RUN, left));
      if (!run) continue;
      for (let at = run.start; at + PIECE <= run.end; at++) counts[hashAt(all, at)] = 0;
      taken.push(run);
      left -= run.end - run.start;
    }
  }
  taken.sort((a, b) => a.worth - b.worth);
  return Buffer.concat(taken.map(({ start, end }) => all.subarray(start, end)));
}

/** How many samples have each piece. Those that only one has are worth nothing. */
function countPieces(samples: readonly Buffer[]): Uint16Array {
  const counts = new Uint16Array(SLOTS);
  const lastSeen = new Int32Array(SLOTS).fill(-1);
  for (const [i, sample] of samples.entries()) {
    for (let at = 0; at + PIECE <= sample.length; at++) {
      const slot = hashAt(sample, at);
      if (lastSeen[slot] === i) continue;
      lastSeen[slot] = i;
      counts[slot] = (counts[slot] ?? 0) + 1;
    }
  }
  for (let slot = 0; slot < SLOTS; slot++) if ((counts[slot] ?? 0) < 2) counts[slot] = 0;
  return counts;
}

/** The run that is worth the most, without ends that are worth nothing: gaps within it are cheaper than two runs. */
function bestRun(
  bytes: Buffer,
  counts: Uint16Array,
  from: number,
  to: number,
  length: number,
): Run | undefined {
  const pieces = length - PIECE + 1;
  let worth = 0;
  let best = 0;
  let start = from;
  for (let at = from; at + PIECE <= to; at++) {
    worth += counts[hashAt(bytes, at)] ?? 0;
    if (at - from >= pieces) worth -= counts[hashAt(bytes, at - pieces)] ?? 0;
    if (worth <= best) continue;
    best = worth;
    start = Math.max(from, at - pieces + 1);
  }
  if (best === 0) return undefined;
  let end = Math.min(to, start + length);
  while (counts[hashAt(bytes, start)] === 0) start++;
  while (counts[hashAt(bytes, end - PIECE)] === 0) end--;
  return { start, end, worth: best };
}

function hashAt(bytes: Buffer, at: number): number {
  const low =
    (bytes[at] ?? 0) |
    ((bytes[at + 1] ?? 0) << 8) |
    ((bytes[at + 2] ?? 0) << 16) |
    ((bytes[at + 3] ?? 0) << 24);
  const high =
    (bytes[at + 4] ?? 0) |
    ((bytes[at + 5] ?? 0) << 8) |
    ((bytes[at + 6] ?? 0) << 16) |
    ((bytes[at + 7] ?? 0) << 24);
  return Math.imul(Math.imul(low, 0x9e3779b1) ^ high, 0x85ebca6b) >>> 16;
}
