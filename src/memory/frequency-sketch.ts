import { scramble } from './key-hash.js';

/** The highest count: a cell has four bits. */
export const MOST_USES = 15;

const CELLS_PER_ENTRY = 8;
const SECOND_ROW = 0x5bd1e995;

/**
 * How often keys were used that are not held any more, in four bits each: a count-min sketch of two rows in one table (Cormode
 * and Muthukrishnan, 2005), as in TinyLFU (Einziger, Friedman, Manes, ACM ToS 2017). Keys may share cells, so a count may be
 * too high, and is never too low but for `halve`. Entries that are held count for themselves and need no cell.
 */
export class FrequencySketch {
  /** Two cells a byte; a power of two of them. */
  #cells: Uint8Array;

  constructor(entries: number) {
    this.#cells = new Uint8Array(bytesFor(entries));
  }

  get bytes(): number {
    return this.#cells.length;
  }

  estimate(hash: number): number {
    return Math.min(this.#at(hash), this.#at(scramble(hash ^ SECOND_ROW)));
  }

  /** Sees that the count of the key is at least this. */
  raise(hash: number, count: number): void {
    this.#raiseAt(hash, count);
    this.#raiseAt(scramble(hash ^ SECOND_ROW), count);
  }

  /** What was used long ago counts less. */
  halve(): void {
    const cells = this.#cells;
    for (let i = 0; i < cells.length; i++) cells[i] = ((cells[i] as number) >> 1) & 0x77;
  }

  /** Makes the table as large as that many entries need, and keeps what is known. */
  fit(entries: number): void {
    const bytes = bytesFor(entries);
    // A place is the low bits of a hash: with one bit more every count stands at both of its places,
    while (this.#cells.length < bytes) {
      const twice = new Uint8Array(2 * this.#cells.length);
      twice.set(this.#cells);
      twice.set(this.#cells, this.#cells.length);
      this.#cells = twice;
    }
    // and with one bit less the higher count of two that share a place stands there.
    while (this.#cells.length > 4 * bytes) {
      const half = this.#cells.length / 2;
      this.#cells = this.#cells
        .subarray(0, half)
        .map((both, place) => highest(both, this.#cells[half + place] as number));
    }
  }

  #at(bits: number): number {
    return ((this.#cells[(bits >>> 1) & (this.#cells.length - 1)] as number) >> ((bits & 1) << 2)) & 15;
  }

  #raiseAt(bits: number, count: number): void {
    const place = (bits >>> 1) & (this.#cells.length - 1);
    const shift = (bits & 1) << 2;
    const both = this.#cells[place] as number;
    if (((both >> shift) & 15) < count) this.#cells[place] = (both & (0xf0 >> shift)) | (count << shift);
  }
}

/** Of each of two counts. */
function highest(one: number, other: number): number {
  return Math.max(one & 0xf0, other & 0xf0) | Math.max(one & 0x0f, other & 0x0f);
}

function bytesFor(entries: number): number {
  let bytes = 32;
  while (bytes < (entries * CELLS_PER_ENTRY) / 2) bytes *= 2;
  // Rounded to the nearer power: more cells than asked for gain little.
  return bytes > 32 && bytes * 0.75 > (entries * CELLS_PER_ENTRY) / 2 ? bytes / 2 : bytes;
}
