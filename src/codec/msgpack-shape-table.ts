import { Packr } from 'msgpackr';
import type { Parts } from './parted-codec.js';
import { assertPacked, broken } from './msgpack-scan.js';
import { varintLength, writeVarint } from './varint.js';

/**
 * A packed value is a table of the shapes of its records, then the value, whose records name a shape by its number. The table
 * is its length in bytes as a varint, then for each shape, in the order of their first record, an array of strings. So the
 * same shapes are the same bytes in every value and every process, and a reader knows them again at a glance.
 */

/** As many numbers as the packer gives to shapes that it keeps. */
export const MOST_SHAPES = 32;
/** An object of more fields, or of longer names, is a dictionary rather than of a kind: its shape stands within the value. */
const MOST_FIELDS = 64;
const LONGEST_NAMES = 2048;
/** The length of a table takes no more than this. */
const LENGTH_BYTES = 4;
/** Tables kept of one set of shapes. */
const MOST_TABLES = 500;

const NO_SHAPES = Buffer.from([0]);

/** Whether objects with these names are worth a shape in the table. */
export function isKind(names: readonly string[]): boolean {
  if (names.length > MOST_FIELDS) return false;
  let length = 0;
  for (const name of names) length += name.length;
  return length <= LONGEST_NAMES;
}

/** Where the table of a payload begins and ends. */
export function findTable(payload: Buffer): { readonly start: number; readonly end: number } {
  let length = 0;
  for (let at = 0; at < LENGTH_BYTES; at++) {
    const byte = payload[at] ?? 0;
    length |= (byte & 0x7f) << (7 * at);
    if (byte >= 0x80) continue;
    const start = at + 1;
    if (start + length > payload.length) break;
    return { start, end: start + length };
  }
  throw broken('its table of shapes is cut short');
}

/** Puts the table of its shapes before a packed value. Of one set of shapes, which may grow and never changes otherwise. */
export class ShapeTables {
  readonly #shapes: ReadonlyArray<readonly string[]>;
  readonly #fields: number[] = [];
  readonly #tables = new Map<number | string, Buffer>();
  readonly #namer = new Packr({ useRecords: false });
  /** The number of each shape in the value at hand, or -1. */
  readonly #numbers = new Int8Array(MOST_SHAPES).fill(-1);
  /** The shapes of the value at hand, in the order of their numbers. */
  readonly #used: number[] = [];
  readonly #renumber = (shape: number): number => {
    const known = this.#numbers[shape] ?? -1;
    if (known >= 0) return known;
    const number = this.#used.push(shape) - 1;
    this.#numbers[shape] = number;
    return number;
  };

  /** @param shapes - the packer's own list. */
  constructor(shapes: ReadonlyArray<readonly string[]>) {
    this.#shapes = shapes;
  }

  /**
   * The table of a packed value, and the value with its records numbered by that.
   *
   * @param packed - a value whose records bear the numbers of the packer; they are changed in place.
   * @param kept - how many shapes the packer keeps by now.
   */
  complete(packed: Buffer, kept: number): Parts {
    for (let i = this.#fields.length; i < kept; i++) this.#fields.push(this.#shapes[i]?.length ?? 0);
    const used = this.#used;
    let table: Buffer = NO_SHAPES;
    if (kept > 0) {
      used.length = 0;
      assertPacked(packed, 0, this.#fields, this.#renumber);
      for (const shape of used) this.#numbers[shape] = -1;
      if (used.length > 0) table = this.#tableOf(used);
    }
    return { head: table, body: packed };
  }

  #tableOf(used: readonly number[]): Buffer {
    let key: number | string = 0;
    if (used.length < 10) for (const shape of used) key = key * (MOST_SHAPES + 1) + shape + 1;
    else key = used.join();
    let table = this.#tables.get(key);
    if (!table) {
      table = this.#write(used);
      if (this.#tables.size >= MOST_TABLES) this.#tables.clear();
      this.#tables.set(key, table);
    }
    return table;
  }

  #write(used: readonly number[]): Buffer {
    const shapes = Buffer.concat(
      used.map((shape) => Buffer.from(this.#namer.pack(this.#shapes[shape] ?? []))),
    );
    const length = Buffer.alloc(varintLength(shapes.length));
    writeVarint(length, 0, shapes.length);
    return Buffer.concat([length, shapes]);
  }
}
